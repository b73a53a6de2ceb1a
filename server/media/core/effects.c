/* The chain of effects of one direction. */
#include "effects.h"

#include <errno.h>
#include <speex/speex_preprocess.h>
#include <stdlib.h>

#include "mix.h"
#include "pitch.h"
#include "scramble.h"

#define FRAMES_PER_S 50

static const int32_t NONE[MP_EFFECT_COUNT] = {[MP_EFFECT_GAIN] = MP_MIX_UNITY, [MP_EFFECT_PITCH] = 1000};
static const int32_t MOST[MP_EFFECT_COUNT] = {[MP_EFFECT_GAIN] = 16 * MP_MIX_UNITY,
                                              [MP_EFFECT_AGC] = 32767,
                                              [MP_EFFECT_DENOISE] = 1,
                                              [MP_EFFECT_PITCH] = (int32_t)(MP_PITCH_MAX * 1000),
                                              [MP_EFFECT_SCRAMBLE] = 1};

struct mp_effects {
	int32_t value[MP_EFFECT_COUNT];
	uint32_t rate;
	SpeexPreprocessState *speex; /* NULL while neither AGC nor DENOISE is set */
	struct mp_pitch *pitch;      /* NULL while not set */
	struct mp_scramble scramble;
};

static int tune_speex(struct mp_effects *e)
{
	int agc = e->value[MP_EFFECT_AGC] != 0, denoise = e->value[MP_EFFECT_DENOISE];
	float level = (float)e->value[MP_EFFECT_AGC];

	if (e->speex)
		speex_preprocess_state_destroy(e->speex);
	e->speex = NULL;
	if (!agc && !denoise)
		return 0;
	e->speex = speex_preprocess_state_init((int)(e->rate / FRAMES_PER_S), (int)e->rate);
	if (!e->speex)
		return ENOMEM;
	speex_preprocess_ctl(e->speex, SPEEX_PREPROCESS_SET_DENOISE, &denoise);
	speex_preprocess_ctl(e->speex, SPEEX_PREPROCESS_SET_AGC, &agc);
	if (agc)
		speex_preprocess_ctl(e->speex, SPEEX_PREPROCESS_SET_AGC_LEVEL, &level);
	return 0;
}

static int tune_pitch(struct mp_effects *e)
{
	mp_pitch_close(e->pitch);
	e->pitch = NULL;
	if (e->value[MP_EFFECT_PITCH] == NONE[MP_EFFECT_PITCH])
		return 0;
	return mp_pitch_open(&e->pitch, e->rate, e->value[MP_EFFECT_PITCH] / 1000.0);
}

static int tune(struct mp_effects *e, enum mp_effect what)
{
	if (what == MP_EFFECT_AGC || what == MP_EFFECT_DENOISE)
		return tune_speex(e);
	if (what == MP_EFFECT_PITCH)
		return tune_pitch(e);
	if (what == MP_EFFECT_SCRAMBLE)
		mp_scramble_init(&e->scramble, e->rate);
	return 0;
}

static bool does_nothing(const struct mp_effects *e)
{
	for (int i = 0; i < MP_EFFECT_COUNT; i++) {
		if (e->value[i] != NONE[i])
			return false;
	}
	return true;
}

int mp_effects_set(struct mp_effects **ep, enum mp_effect what, int32_t value, uint32_t rate)
{
	struct mp_effects *e = *ep;
	int32_t before;
	int err;

	if (what >= MP_EFFECT_COUNT || value < 0 || value > MOST[what] ||
	    (what == MP_EFFECT_PITCH && value < (int32_t)(MP_PITCH_MIN * 1000)))
		return EINVAL;
	if (!e && value == NONE[what])
		return 0;
	if (!e) {
		e = calloc(1, sizeof(*e));
		if (!e)
			return ENOMEM;
		for (int i = 0; i < MP_EFFECT_COUNT; i++)
			e->value[i] = NONE[i];
		e->rate = rate;
	}
	before = e->value[what];
	e->value[what] = value;
	err = tune(e, what);
	if (err) {
		e->value[what] = before;
		(void)tune(e, what);
	}
	if (does_nothing(e)) {
		mp_effects_close(e);
		e = NULL;
	}
	*ep = e;
	return err;
}

void mp_effects_tune(struct mp_effects *e, uint32_t rate)
{
	if (!e || e->rate == rate)
		return;
	e->rate = rate;
	(void)tune_speex(e);
	(void)tune_pitch(e);
	mp_scramble_init(&e->scramble, rate);
}

void mp_effects_run(struct mp_effects *e, int16_t *pcm, size_t n)
{
	if (n != e->rate / FRAMES_PER_S)
		return;
	if (e->speex)
		(void)speex_preprocess_run(e->speex, pcm);
	if (e->pitch)
		mp_pitch_run(e->pitch, pcm, n);
	if (e->value[MP_EFFECT_SCRAMBLE])
		mp_scramble_run(&e->scramble, pcm, n);
	if (e->value[MP_EFFECT_GAIN] != MP_MIX_UNITY)
		mp_mix_gain(pcm, n, e->value[MP_EFFECT_GAIN]);
}

void mp_effects_close(struct mp_effects *e)
{
	if (!e)
		return;
	if (e->speex)
		speex_preprocess_state_destroy(e->speex);
	mp_pitch_close(e->pitch);
	free(e);
}
