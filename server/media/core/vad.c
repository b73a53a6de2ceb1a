/* Talk detector. */
#include "vad.h"

#include <errno.h>
#include <string.h>

#include "mix.h"

int mp_vad_init(struct mp_vad *v, uint32_t rate, uint32_t threshold, uint32_t silence_ms)
{
	if (!v || !rate || !threshold || threshold > INT16_MAX || !silence_ms)
		return EINVAL;
	memset(v, 0, sizeof(*v));
	v->rate = rate;
	v->threshold = threshold;
	v->silence_ms = silence_ms;
	return 0;
}

static uint64_t to_ms(const struct mp_vad *v, uint64_t samples)
{
	return samples * 1000 / v->rate;
}

static enum mp_vad_event loud(struct mp_vad *v, size_t n)
{
	const bool was = v->talking;

	v->fed += n;
	/* a pause too short to end the talk is part of it */
	v->talked += n + (was ? v->quiet : 0);
	v->burst = was ? v->burst + n : n;
	v->quiet = 0;
	v->talking = true;
	return was ? MP_VAD_NONE : MP_VAD_STARTED;
}

enum mp_vad_event mp_vad_skip(struct mp_vad *v, size_t n)
{
	if (!v)
		return MP_VAD_NONE;
	v->fed += n;
	v->quiet += n;
	if (!v->talking)
		return MP_VAD_NONE;
	v->burst += n;
	if (to_ms(v, v->quiet) < v->silence_ms)
		return MP_VAD_NONE;
	v->talking = false;
	v->burst_ms = (uint32_t)to_ms(v, v->burst - v->quiet);
	return MP_VAD_FINISHED;
}

enum mp_vad_event mp_vad_feed(struct mp_vad *v, const int16_t *pcm, size_t n)
{
	if (!v || !pcm || !n)
		return MP_VAD_NONE;
	return mp_mix_level(pcm, n) > v->threshold ? loud(v, n) : mp_vad_skip(v, n);
}

uint32_t mp_vad_quiet_ms(const struct mp_vad *v)
{
	const uint64_t ms = v ? to_ms(v, v->quiet) : 0;

	return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}

uint64_t mp_vad_talked_ms(const struct mp_vad *v)
{
	return v ? to_ms(v, v->talked) : 0;
}

uint64_t mp_vad_total_ms(const struct mp_vad *v)
{
	return v ? to_ms(v, v->fed) : 0;
}
