/* G.711 against the recommendation's decision values; L16 byte order; the codec table. */
#include "check.h"

#include "audio.h"
#include "codec.h"

/* G.711 tables 1a and 2a, written out by segment: the decoder, straight from the recommendation. */
static int reference_ulaw(uint8_t wire)
{
	const int code = ~wire & 0xff;
	const int segment = code >> 4 & 7;
	const int mag = ((2 * (code & 15) + 33) << segment) - 33; /* 14 bits */

	return (code & 0x80 ? -mag : mag) * 4;
}

static int reference_alaw(uint8_t wire)
{
	const int code = wire ^ 0x55;
	const int segment = code >> 4 & 7;
	const int step = 2 * (code & 15) + 1;
	const int mag = segment ? (step + 32) << (segment - 1) : step; /* 13 bits */

	return (code & 0x80 ? mag : -mag) * 8;
}

static void test_ulaw_decodes_every_code(void)
{
	for (int c = 0; c < 256; c++) {
		const uint8_t wire = (uint8_t)c;
		int16_t pcm;

		EQ(1, mp_ulaw_decode(&wire, 1, &pcm, 1));
		EQ(reference_ulaw(wire), pcm);
	}
}

static void test_alaw_decodes_every_code(void)
{
	for (int c = 0; c < 256; c++) {
		const uint8_t wire = (uint8_t)c;
		int16_t pcm;

		EQ(1, mp_alaw_decode(&wire, 1, &pcm, 1));
		EQ(reference_alaw(wire), pcm);
	}
}

typedef size_t(encode_h)(const int16_t *, size_t, uint8_t *, size_t);

/* Half the width of the interval that a code stands for. */
static int ulaw_half(uint8_t wire)
{
	return 4 << (~wire >> 4 & 7);
}

static int alaw_half(uint8_t wire)
{
	const int segment = (wire ^ 0x55) >> 4 & 7;

	return segment ? 8 << (segment - 1) : 8;
}

/* Every 16-bit value is given the code in whose interval it lies; what is too loud is clipped. */
static void check_interval(encode_h *encode, int (*decode)(uint8_t), int (*half)(uint8_t), int peak)
{
	for (int v = -32768; v <= 32767; v++) {
		const int16_t pcm = (int16_t)v;
		const int clipped = v > peak ? peak : v < -peak ? -peak : v;
		uint8_t wire;

		EQ(1, encode(&pcm, 1, &wire, 1));
		CHECK(abs(decode(wire) - clipped) <= half(wire));
	}
}

static void test_g711_encodes_every_value_into_its_interval(void)
{
	check_interval(mp_ulaw_encode, reference_ulaw, ulaw_half, 32635);
	check_interval(mp_alaw_encode, reference_alaw, alaw_half, 32767);
}

/* A code that is decoded and encoded again is itself (mu-law has two zeros, one comes back). */
static void test_g711_codes_survive_a_tandem(void)
{
	for (int c = 0; c < 256; c++) {
		const uint8_t wire = (uint8_t)c;
		uint8_t back;
		int16_t pcm;

		mp_alaw_decode(&wire, 1, &pcm, 1);
		mp_alaw_encode(&pcm, 1, &back, 1);
		EQ(wire, back);
		mp_ulaw_decode(&wire, 1, &pcm, 1);
		mp_ulaw_encode(&pcm, 1, &back, 1);
		EQ(wire == 0x7f ? 0xff : wire, back);
	}
}

/* G.711 appendix: known words of silence, full scale and clipping. */
static void test_g711_known_words(void)
{
	const int16_t pcm[] = {0, 32767, -32768, -1, 8, -8};
	uint8_t wire[6];

	EQ(6, mp_ulaw_encode(pcm, 6, wire, 6));
	EQ(0xff, wire[0]);
	EQ(0x80, wire[1]);
	EQ(0x00, wire[2]);
	EQ(6, mp_alaw_encode(pcm, 6, wire, 6));
	EQ(0xd5, wire[0]);
	EQ(0xaa, wire[1]);
	EQ(0x2a, wire[2]);
	EQ(0x55, wire[3]);
}

/* G.712: a sine between 0 and -30 dBm0 comes back with at least 33 dB. */
static void test_g711_signal_to_noise(void)
{
	for (double level = 0; level >= -30; level -= 5) {
		int16_t in[8000] = {0}, out[8000];
		uint8_t wire[8000];

		audio_sine(in, 8000, 0, 1020, audio_peak(level), 8000);
		for (int id = MP_CODEC_ULAW; id <= MP_CODEC_ALAW; id++) {
			const struct mp_codec *c = mp_codec_get((enum mp_codec_id)id);

			EQ(8000, c->encode(in, 8000, wire, sizeof(wire)));
			EQ(8000, c->decode(wire, 8000, out, 8000));
			CHECK(audio_snr(in, out, 8000) > 33);
		}
	}
}

static void test_slin_is_big_endian_on_the_wire(void)
{
	const int16_t pcm[] = {0x1234, -2};
	const uint8_t want[] = {0x12, 0x34, 0xff, 0xfe};
	const struct mp_codec *c = mp_codec_get(MP_CODEC_SLIN16);
	uint8_t wire[4];
	int16_t back[2];

	EQ(4, c->encode(pcm, 2, wire, sizeof(wire)));
	CHECK(memcmp(wire, want, 4) == 0);
	EQ(2, c->decode(wire, 4, back, 2));
	CHECK(memcmp(back, pcm, 4) == 0);
}

static void test_codecs_stop_at_the_smaller_buffer(void)
{
	uint8_t wire[16] = {0};
	int16_t pcm[16] = {0};

	for (int id = MP_CODEC_ULAW; id < MP_CODEC_COUNT; id++) {
		const struct mp_codec *c = mp_codec_get((enum mp_codec_id)id);
		const size_t width = c->bytes_per_ms * 1000 / c->rate;

		EQ(3, c->decode(wire, 16, pcm, 3));
		EQ(2, c->decode(wire, 2 * width, pcm, 16));
		EQ(3 * width, c->encode(pcm, 3, wire, 16));
		EQ(2 * width, c->encode(pcm, 16, wire, 2 * width + (width - 1)));
		EQ(0, c->decode(wire, width - 1, pcm, 16));
		EQ(0, c->encode(pcm, 0, wire, 16));
	}
}

static void test_codec_table(void)
{
	CHECK(!mp_codec_get(MP_CODEC_NONE));
	CHECK(!mp_codec_get(MP_CODEC_COUNT));
	CHECK(!mp_codec_get((enum mp_codec_id) - 1));
	CHECK(!mp_codec_find("opus"));
	CHECK(!mp_codec_find(NULL));
	for (int id = MP_CODEC_ULAW; id < MP_CODEC_COUNT; id++) {
		const struct mp_codec *c = mp_codec_get((enum mp_codec_id)id);
		uint8_t quiet[2] = {c->silence, c->silence};
		int16_t pcm[2] = {1, 1};

		EQ(id, c->id);
		CHECK(mp_codec_find(c->name) == c);
		CHECK(c->decode(quiet, 2, pcm, 2) > 0);
		CHECK(abs(pcm[0]) <= 8); /* A-law has no zero */
	}
	EQ(0, mp_codec_find("ulaw")->payload_type);
	EQ(8, mp_codec_find("alaw")->payload_type);
	EQ(MP_CODEC_PT_DYNAMIC, mp_codec_find("slin")->payload_type);
}

int main(int argc, char **argv)
{
	check_filter = argc > 1 ? argv[1] : NULL;
	RUN(test_ulaw_decodes_every_code);
	RUN(test_alaw_decodes_every_code);
	RUN(test_g711_encodes_every_value_into_its_interval);
	RUN(test_g711_codes_survive_a_tandem);
	RUN(test_g711_known_words);
	RUN(test_g711_signal_to_noise);
	RUN(test_slin_is_big_endian_on_the_wire);
	RUN(test_codecs_stop_at_the_smaller_buffer);
	RUN(test_codec_table);
	return check_result();
}
