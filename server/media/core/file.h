/*
 * Sound files: readers that give, and writers that take, 16-bit mono PCM.
 *
 * Blocking calls: for the I/O thread (fileio.h), never for a worker. One thread per object.
 *
 *   format   extensions          content                                          rate
 *   wav      wav                 RIFF: PCM16, mu-law, A-law or GSM 06.10; written as PCM16   8 kHz
 *   wav16    wav16               as wav                                           16 kHz
 *   wav49    WAV wav49           RIFF: GSM 06.10 in Microsoft's framing (65 bytes, 320 samples)   8 kHz
 *   gsm      gsm                 GSM 06.10 frames (33 bytes, 160 samples)         8 kHz
 *   ulaw     ulaw ul mu ulw pcm  G.711 mu-law                                     8 kHz
 *   alaw     alaw al alw         G.711 A-law                                      8 kHz
 *   sln      sln raw             PCM16 little-endian                              8 kHz
 *   sln16    sln16               as sln                                           16 kHz
 *   sln12 sln24 sln32 sln44 sln48 sln96 sln192: likewise, at that many kHz (44: 44.1)
 *
 * A RIFF file is read by what its header says, at any rate from 4 to 192 kHz, one or two channels
 * (two are averaged), whatever its extension.
 */
#ifndef MP_FILE_H
#define MP_FILE_H

#include <stddef.h>
#include <stdint.h>

struct mp_reader;
struct mp_writer;

/* How mp_writer_open treats a file that exists. Exactly one is given. */
enum mp_file_flags {
	MP_FILE_EXCL = 1,   /* it must not exist: EEXIST */
	MP_FILE_APPEND = 2, /* go on at its end; it is created when missing */
	MP_FILE_TRUNC = 4   /* start it anew */
};

/* The format that the path's extension names, or NULL. */
const char *mp_file_format(const char *path);

/* The sampling rate in Hz at which the format is written; 0: no such format. */
uint32_t mp_file_rate(const char *format);

/*
 * Open a file for reading.
 *
 * rp      the reader, NULL on failure
 * path    file name
 * format  a name of the table above; NULL: by extension
 *
 * Returns 0; EINVAL (argument), ENOTSUP (unknown format, or a RIFF coding we don't read), EBADMSG (not
 * what it claims to be), EISDIR, or the errno of open/read (ENOENT, EACCES, EIO, …).
 */
int mp_reader_open(struct mp_reader **rp, const char *path, const char *format);

/*
 * Read up to `max` samples; *got = 0 with return 0 is the end of the file.
 * Fewer than asked may come before the end. Returns 0 or an errno.
 */
int mp_reader_read(struct mp_reader *r, int16_t *pcm, size_t max, size_t *got);

/* Continue at `ms` from the start; beyond the end means the end. Returns 0 or an errno. */
int mp_reader_seek_ms(struct mp_reader *r, uint64_t ms);

/* Sampling rate, Hz. */
uint32_t mp_reader_rate(const struct mp_reader *r);

/* Length of the audio, in samples / in ms; a header that lies is corrected by the file's size. */
uint64_t mp_reader_samples(const struct mp_reader *r);
uint64_t mp_reader_duration_ms(const struct mp_reader *r);

/* Close; NULL is allowed. */
void mp_reader_close(struct mp_reader *r);

/*
 * Open a file for writing.
 *
 * wp      the writer, NULL on failure
 * path    file name; the directory must exist
 * format  a name of the table above; NULL: by extension
 * flags   one of mp_file_flags
 *
 * With MP_FILE_APPEND an existing file must have the format's coding and rate, else EBADMSG; an
 * incomplete last block and RIFF chunks behind the audio are cut off.
 * Returns 0; EINVAL, ENOTSUP, EEXIST, EBADMSG, or the errno of open/read/write.
 */
int mp_writer_open(struct mp_writer **wp, const char *path, const char *format, unsigned flags);

/*
 * Append `n` samples. They are buffered for up to 8 KB; an error of the disk (ENOSPC, EIO, EFBIG) is
 * returned once by the call that met it and again by every later call.
 */
int mp_writer_write(struct mp_writer *w, const int16_t *pcm, size_t n);

/*
 * Bring everything into the file, header included (but for less than one block of GSM): from here on a
 * killed process leaves a valid file with at least this much audio. Call it once a second. (Between
 * flushes the data is ahead of the header, which mp_reader tolerates.) Returns 0 or an errno.
 */
int mp_writer_flush(struct mp_writer *w);

/* Sampling rate, Hz, that mp_writer_write expects. */
uint32_t mp_writer_rate(const struct mp_writer *w);

/* Samples in the file, what was there before an append included. */
uint64_t mp_writer_samples(const struct mp_writer *w);

/* Flush (an incomplete GSM block is filled with silence) and close. Returns 0 or the first errno;
 * the writer is gone in either case. NULL is allowed. */
int mp_writer_close(struct mp_writer *w);

/*
 * Parse the head of a RIFF file that is `file_len` bytes long, of which the first `len` are at `buf`.
 * For the fuzzer and tests; readers use it too. Returns 0, ENOTSUP, or EBADMSG.
 */
struct mp_wav_info {
	uint32_t rate;       /* Hz */
	uint16_t coding;     /* WAVE_FORMAT_*: 1 PCM, 6 A-law, 7 mu-law, 0x31 GSM 06.10 */
	uint16_t channels;   /* 1 or 2 */
	uint16_t bits;       /* per sample, as stated */
	uint64_t data_start; /* file offset of the audio */
	uint64_t data_len;   /* stated bytes of audio, limited to the file's length */
	uint64_t fact_at;    /* file offset of the fact chunk's sample count; 0: there is none */
};
int mp_wav_parse(struct mp_wav_info *info, const uint8_t *buf, size_t len, uint64_t file_len);

#endif
