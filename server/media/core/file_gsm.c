/* GSM 06.10 by libgsm: plain frames, and Microsoft's packing of two frames into 65 bytes. */
#include <errno.h>
#include <gsm.h>

#include "file_coding.h"

enum {
	FRAME_SAMPLES = 160,
	FRAME_BYTES = 33,
	/* In a 65-byte pair the decoder takes 33 + 32 bytes, the encoder gives 32 + 33: the byte that both
	 * frames share is the decoder's with the first, the encoder's with the second. */
	PAIR_BYTES = 65,
	PAIR_DECODE_SECOND = 33,
	PAIR_ENCODE_SECOND = 32,
	MAGIC = 0xd0 /* signature nibble of a frame, GSM 06.10 RTP form (RFC 3551 section 4.5.8.1) */
};

static int open_gsm(void **state)
{
	*state = gsm_create();
	return *state ? 0 : ENOMEM;
}

static int open_gsm49(void **state)
{
	int on = 1;
	const int err = open_gsm(state);

	if (err)
		return err;
	gsm_option(*state, GSM_OPT_WAV49, &on);
	return 0;
}

static void close_gsm(void *state)
{
	gsm_destroy(state);
}

/* libgsm declares its input non-const, but doesn't write to it. */
static int decode_frame(void *state, const uint8_t *in, int16_t *out)
{
	return gsm_decode(state, (gsm_byte *)(uintptr_t)in, out) ? EBADMSG : 0;
}

static void encode_frame(void *state, const int16_t *in, uint8_t *out)
{
	gsm_encode(state, (gsm_signal *)(uintptr_t)in, out);
}

static int decode_gsm(void *state, const uint8_t *in, size_t blocks, int16_t *out)
{
	int err = 0;

	for (size_t i = 0; i < blocks && !err; i++)
		err = decode_frame(state, in + i * FRAME_BYTES, out + i * FRAME_SAMPLES);
	return err;
}

static int encode_gsm(void *state, const int16_t *in, size_t blocks, uint8_t *out)
{
	for (size_t i = 0; i < blocks; i++)
		encode_frame(state, in + i * FRAME_SAMPLES, out + i * FRAME_BYTES);
	return 0;
}

static int decode_gsm49(void *state, const uint8_t *in, size_t blocks, int16_t *out)
{
	for (size_t i = 0; i < blocks; i++) {
		const uint8_t *pair = in + i * PAIR_BYTES;
		int16_t *pcm = out + i * 2 * FRAME_SAMPLES;
		const int err = decode_frame(state, pair, pcm);

		if (err || decode_frame(state, pair + PAIR_DECODE_SECOND, pcm + FRAME_SAMPLES))
			return EBADMSG;
	}
	return 0;
}

static int encode_gsm49(void *state, const int16_t *in, size_t blocks, uint8_t *out)
{
	for (size_t i = 0; i < blocks; i++) {
		const int16_t *pcm = in + i * 2 * FRAME_SAMPLES;
		uint8_t *pair = out + i * PAIR_BYTES;

		encode_frame(state, pcm, pair);
		encode_frame(state, pcm + FRAME_SAMPLES, pair + PAIR_ENCODE_SECOND);
	}
	return 0;
}

const struct mp_coding mp_coding_gsm = {
        .block_bytes = FRAME_BYTES,
        .block_samples = FRAME_SAMPLES,
        .magic = MAGIC,
        .open = open_gsm,
        .close = close_gsm,
        .decode = decode_gsm,
        .encode = encode_gsm,
};

const struct mp_coding mp_coding_gsm49 = {
        .wav_tag = MP_WAV_GSM,
        .block_bytes = PAIR_BYTES,
        .block_samples = 2 * FRAME_SAMPLES,
        .open = open_gsm49,
        .close = close_gsm,
        .decode = decode_gsm49,
        .encode = encode_gsm49,
};
