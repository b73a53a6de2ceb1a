/*
 * Tone list parser and generator. Invariant: any bytes give a list within its limits, or EBADMSG or E2BIG;
 * whatever parses can be played, in range, and a list that ends does so when it says.
 *
 * clang -fsanitize=fuzzer,address,undefined -Iserver/media/core tests/fuzz/fuzz_tone.c
 *	server/media/core/tone.c -lm
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "tone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(cond)            \
	do {                     \
		if (!(cond))     \
			abort(); \
	} while (0)

static void play(const struct mp_tone_list *list)
{
	const uint64_t ms = mp_tone_duration_ms(list);
	struct mp_tonegen g;
	int16_t pcm[160];
	uint64_t total = 0;
	size_t got;

	REQUIRE(mp_tonegen_init(&g, list, 8000) == 0);
	do {
		got = mp_tonegen_read(&g, pcm, 160);
		total += got;
	} while (got == 160 && total < 16000);
	if (ms && ms < 2000)
		REQUIRE(total == ms * 8);
	else
		REQUIRE(got == 160);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mp_tone_list list;
	const int err = mp_tone_parse(&list, (const char *)data, size);

	REQUIRE(err == 0 || err == EBADMSG || err == E2BIG || (err == EINVAL && !data));
	if (err)
		return 0;
	REQUIRE(list.count > 0 && list.count <= MP_TONE_MAX_ITEMS && list.loop <= list.count);
	for (uint16_t i = 0; i < list.count; i++) {
		REQUIRE(list.item[i].freq[0] <= MP_TONE_MAX_HZ && list.item[i].freq[1] <= MP_TONE_MAX_HZ);
		REQUIRE(list.item[i].duration_ms <= MP_TONE_MAX_MS);
	}
	play(&list);
	return 0;
}
