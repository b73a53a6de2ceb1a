/* Codec table and the two linear codecs. */
#include "codec.h"

#include <string.h>

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* L16 is big-endian on the wire: RFC 3551 section 4.5.11. */
static size_t slin_decode(const uint8_t *in, size_t len, int16_t *out, size_t max)
{
	const size_t n = min_size(len / 2, max);

	for (size_t i = 0; i < n; i++)
		out[i] = (int16_t)(uint16_t)(in[2 * i] << 8 | in[2 * i + 1]);
	return n;
}

static size_t slin_encode(const int16_t *in, size_t n, uint8_t *out, size_t max)
{
	n = min_size(n, max / 2);
	for (size_t i = 0; i < n; i++) {
		const uint16_t v = (uint16_t)in[i];

		out[2 * i] = (uint8_t)(v >> 8);
		out[2 * i + 1] = (uint8_t)v;
	}
	return n * 2;
}

static const struct mp_codec codecs[MP_CODEC_COUNT] = {
        [MP_CODEC_ULAW] = {MP_CODEC_ULAW, "ulaw", 8000, 8000, 8, 0, 0xff, mp_ulaw_decode, mp_ulaw_encode},
        [MP_CODEC_ALAW] = {MP_CODEC_ALAW, "alaw", 8000, 8000, 8, 8, 0xd5, mp_alaw_decode, mp_alaw_encode},
        [MP_CODEC_SLIN] = {MP_CODEC_SLIN, "slin", 8000, 8000, 16, MP_CODEC_PT_DYNAMIC, 0, slin_decode,
	                   slin_encode},
        [MP_CODEC_SLIN16] = {MP_CODEC_SLIN16, "slin16", 16000, 16000, 32, MP_CODEC_PT_DYNAMIC, 0,
	                     slin_decode, slin_encode},
};

const struct mp_codec *mp_codec_get(enum mp_codec_id id)
{
	if ((unsigned)id >= MP_CODEC_COUNT || !codecs[id].name)
		return NULL;
	return &codecs[id];
}

const struct mp_codec *mp_codec_find(const char *name)
{
	if (!name)
		return NULL;
	for (unsigned id = MP_CODEC_NONE + 1; id < MP_CODEC_COUNT; id++) {
		if (strcmp(codecs[id].name, name) == 0)
			return &codecs[id];
	}
	return NULL;
}
