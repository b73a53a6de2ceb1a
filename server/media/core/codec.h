/*
 * Codecs: stateless conversion between wire payloads and 16-bit linear PCM.
 *
 * Thread-safe: all tables are constant, nothing is allocated.
 */
#ifndef MP_CODEC_H
#define MP_CODEC_H

#include <stddef.h>
#include <stdint.h>

enum mp_codec_id {
	MP_CODEC_NONE,
	MP_CODEC_ULAW,   /* G.711 mu-law, 8 kHz */
	MP_CODEC_ALAW,   /* G.711 A-law, 8 kHz */
	MP_CODEC_SLIN,   /* L16 mono, 8 kHz; network byte order on the wire (RFC 3551 section 4.5.11) */
	MP_CODEC_SLIN16, /* L16 mono, 16 kHz */
	MP_CODEC_COUNT
};

/* RTP payload type of a codec that has no static one (RFC 3551 section 6). */
#define MP_CODEC_PT_DYNAMIC 255

/*
 * Decode `len` bytes at `in` into at most `max` samples at `out`.
 * Returns the samples written: what fits and what whole samples there are.
 */
typedef size_t(mp_codec_decode_h)(const uint8_t *in, size_t len, int16_t *out, size_t max);

/*
 * Encode `n` samples at `in` into at most `max` bytes at `out`.
 * Returns the bytes written: only whole samples that fit.
 */
typedef size_t(mp_codec_encode_h)(const int16_t *in, size_t n, uint8_t *out, size_t max);

struct mp_codec {
	enum mp_codec_id id;
	const char *name;      /* as in Asterisk: "ulaw", "alaw", "slin", "slin16" */
	uint32_t rate;         /* sampling rate, Hz */
	uint32_t clock_rate;   /* RTP timestamp clock, Hz */
	uint32_t bytes_per_ms; /* payload bytes per millisecond */
	uint8_t payload_type;  /* static RTP payload type or MP_CODEC_PT_DYNAMIC */
	uint8_t silence;       /* a payload filled with this byte is digital silence */
	mp_codec_decode_h *decode;
	mp_codec_encode_h *encode;
};

/* The codec `id`, or NULL for MP_CODEC_NONE and unknown values. */
const struct mp_codec *mp_codec_get(enum mp_codec_id id);

/* The codec of this name (as in Asterisk, case-sensitive), or NULL. */
const struct mp_codec *mp_codec_find(const char *name);

/* G.711 kernels, codec_g711.c. Same contracts as above. */
size_t mp_ulaw_decode(const uint8_t *in, size_t len, int16_t *out, size_t max);
size_t mp_ulaw_encode(const int16_t *in, size_t n, uint8_t *out, size_t max);
size_t mp_alaw_decode(const uint8_t *in, size_t len, int16_t *out, size_t max);
size_t mp_alaw_encode(const int16_t *in, size_t n, uint8_t *out, size_t max);

#endif
