/*
 * Talk detector: mean absolute level against a threshold, with times in ms.
 *
 * Talking starts with the first loud frame and finishes when silence has lasted silence_ms.
 * A plain value: embed it, no close.
 */
#ifndef MP_VAD_H
#define MP_VAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mp_vad_event { MP_VAD_NONE, MP_VAD_STARTED, MP_VAD_FINISHED };

struct mp_vad {
	uint32_t rate;      /* Hz */
	uint32_t threshold; /* mean absolute sample value; a frame above it is talk */
	uint32_t silence_ms;
	bool talking;
	uint64_t quiet;    /* samples of silence since the last loud frame */
	uint64_t burst;    /* samples since talking started, trailing silence included */
	uint64_t talked;   /* samples of finished and present bursts, trailing silence excluded */
	uint64_t fed;      /* samples in all */
	uint32_t burst_ms; /* after MP_VAD_FINISHED: length of that burst without the silence, ms */
};

/* rate: Hz; threshold: 1 to 32,767; silence_ms: at least 1. Returns 0 or EINVAL. */
int mp_vad_init(struct mp_vad *v, uint32_t rate, uint32_t threshold, uint32_t silence_ms);

/* Judge one frame (20 ms is usual; at most one event per call). */
enum mp_vad_event mp_vad_feed(struct mp_vad *v, const int16_t *pcm, size_t n);

/* Time went by without audio (lost, muted, silence suppressed): silence of `n` samples. */
enum mp_vad_event mp_vad_skip(struct mp_vad *v, size_t n);

/* ms of silence since the last talk (or since the start); of talk; in all. For recorders. */
uint32_t mp_vad_quiet_ms(const struct mp_vad *v);
uint64_t mp_vad_talked_ms(const struct mp_vad *v);
uint64_t mp_vad_total_ms(const struct mp_vad *v);

#endif
