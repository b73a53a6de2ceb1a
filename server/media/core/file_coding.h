/* Private to file*.c: how samples are laid down in files, in blocks of fixed size. */
#ifndef MP_FILE_CODING_H
#define MP_FILE_CODING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* WAVE_FORMAT_* of RFC 2361 */
enum { MP_WAV_PCM = 1, MP_WAV_ALAW = 6, MP_WAV_ULAW = 7, MP_WAV_GSM = 0x31, MP_WAV_EXTENSIBLE = 0xfffe };

struct mp_coding {
	uint16_t wav_tag;       /* WAVE_FORMAT_*, 0: not in RIFF files */
	uint16_t bits;          /* per sample, for the RIFF header */
	uint16_t block_bytes;   /* size of a block in the file */
	uint16_t block_samples; /* and how many samples it holds */
	uint8_t magic;          /* high nibble that starts every block, 0: none */

	/* Codec state; both NULL when there is none. open returns 0 or an errno. */
	int (*open)(void **state);
	void (*close)(void *state);

	/* Convert whole blocks. Returns 0 or EBADMSG. */
	int (*decode)(void *state, const uint8_t *in, size_t blocks, int16_t *out);
	int (*encode)(void *state, const int16_t *in, size_t blocks, uint8_t *out);
};

struct mp_format {
	const char *name;
	const char *extensions; /* separated by blanks */
	const struct mp_coding *coding;
	uint32_t rate; /* Hz */
	bool riff;
};

/* The format of this name, or NULL. */
const struct mp_format *mp_file_find(const char *name);

/* Make and free a codec's state; *state is NULL for a coding without. */
int mp_coding_open(const struct mp_coding *coding, void **state);
void mp_coding_close(const struct mp_coding *coding, void *state);

extern const struct mp_coding mp_coding_pcm16; /* little-endian */
extern const struct mp_coding mp_coding_ulaw;
extern const struct mp_coding mp_coding_alaw;
extern const struct mp_coding mp_coding_gsm;   /* 33-byte frames */
extern const struct mp_coding mp_coding_gsm49; /* Microsoft's pairs of frames in 65 bytes */

/* The coding of a RIFF file, or NULL when we don't read it. */
struct mp_wav_info;
const struct mp_coding *mp_wav_coding(const struct mp_wav_info *info);

/* Bytes of audio in an open RIFF file of `file_len` bytes: the header's word, unless the file's size
 * proves it wrong (a writer that was killed). */
uint64_t mp_wav_true_len(const struct mp_wav_info *info, int fd, uint64_t file_len);

#define MP_WAV_HEAD_MAX 60

/* Write the header of an empty file to `out` and describe it in `info`. Returns its length. */
size_t mp_wav_head(uint8_t out[MP_WAV_HEAD_MAX], struct mp_wav_info *info, const struct mp_coding *coding,
                   uint32_t rate);

/* Make the header of an open file state info->data_len. Returns 0 or an errno. */
int mp_wav_update(const struct mp_wav_info *info, const struct mp_coding *coding, int fd);

/* Open a regular file; anything else (a FIFO would block, a directory can't be read) is refused with
 * EISDIR or ENOTSUP. *len: its size in bytes. */
int mp_file_open(int *fd, const char *path, int flags, uint64_t *len);

/* pread and pwrite of all `len` bytes, over interruptions. *got: bytes until the end of the file. */
int mp_file_pread(int fd, uint8_t *buf, size_t len, uint64_t at, size_t *got);
int mp_file_pwrite(int fd, const uint8_t *buf, size_t len, uint64_t at, size_t *put);

#endif
