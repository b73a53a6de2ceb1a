/* Codings without state: PCM16 little-endian, mu-law, A-law; each block is one sample. */
#include "codec.h"
#include "file_coding.h"

static int pcm16_decode(void *state, const uint8_t *in, size_t blocks, int16_t *out)
{
	(void)state;
	for (size_t i = 0; i < blocks; i++)
		out[i] = (int16_t)(uint16_t)(in[2 * i] | in[2 * i + 1] << 8);
	return 0;
}

static int pcm16_encode(void *state, const int16_t *in, size_t blocks, uint8_t *out)
{
	(void)state;
	for (size_t i = 0; i < blocks; i++) {
		const uint16_t v = (uint16_t)in[i];

		out[2 * i] = (uint8_t)v;
		out[2 * i + 1] = (uint8_t)(v >> 8);
	}
	return 0;
}

static int ulaw_decode(void *state, const uint8_t *in, size_t blocks, int16_t *out)
{
	(void)state;
	mp_ulaw_decode(in, blocks, out, blocks);
	return 0;
}

static int ulaw_encode(void *state, const int16_t *in, size_t blocks, uint8_t *out)
{
	(void)state;
	mp_ulaw_encode(in, blocks, out, blocks);
	return 0;
}

static int alaw_decode(void *state, const uint8_t *in, size_t blocks, int16_t *out)
{
	(void)state;
	mp_alaw_decode(in, blocks, out, blocks);
	return 0;
}

static int alaw_encode(void *state, const int16_t *in, size_t blocks, uint8_t *out)
{
	(void)state;
	mp_alaw_encode(in, blocks, out, blocks);
	return 0;
}

const struct mp_coding mp_coding_pcm16 = {
        .wav_tag = MP_WAV_PCM,
        .bits = 16,
        .block_bytes = 2,
        .block_samples = 1,
        .decode = pcm16_decode,
        .encode = pcm16_encode,
};

const struct mp_coding mp_coding_ulaw = {
        .wav_tag = MP_WAV_ULAW,
        .bits = 8,
        .block_bytes = 1,
        .block_samples = 1,
        .decode = ulaw_decode,
        .encode = ulaw_encode,
};

const struct mp_coding mp_coding_alaw = {
        .wav_tag = MP_WAV_ALAW,
        .bits = 8,
        .block_bytes = 1,
        .block_samples = 1,
        .decode = alaw_decode,
        .encode = alaw_encode,
};
