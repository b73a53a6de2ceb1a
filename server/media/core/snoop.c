/*
 * Snoop streams: each says what another stream, its target, says or hears, and whispers to it what it hears
 * itself. They live on the target's worker and share its tick.
 *
 * A frame takes one tick on its way, so that it does not matter in which order a tick serves the streams:
 * what is spied in tick k is said in k + 1, and what is heard in k is whispered in k + 1. As in Asterisk, a
 * spy does not hear what is whispered.
 */
#include <errno.h>
#include <string.h>

#include "core.h"
#include "mix.h"

#define AUDIBLE_LEVEL 4 /* mean absolute sample value above which a whisper is sound */

static void add(struct mp_snoop_frame *f, const int16_t *pcm, size_t n)
{
	if (n > MP_FRAME_MAX)
		return;
	if (f->n == n) {
		mp_mix_into(f->pcm, pcm, n);
		return;
	}
	memcpy(f->pcm, pcm, n * sizeof(f->pcm[0]));
	f->n = n;
}

static void gather(struct mp_snoop *sn, const int16_t *pcm, size_t n, int32_t gain)
{
	int16_t louder[MP_FRAME_MAX];

	if (gain == MP_MIX_UNITY || n > MP_FRAME_MAX) {
		add(&sn->gathered, pcm, n);
		return;
	}
	memcpy(louder, pcm, n * sizeof(louder[0]));
	mp_mix_gain(louder, n, gain);
	add(&sn->gathered, louder, n);
}

/* The linear codec of a rate, so that no frame needs to be resampled; 8 kHz if there is none. */
static enum mp_codec_id linear(uint32_t rate)
{
	for (unsigned id = MP_CODEC_NONE + 1; id < MP_CODEC_COUNT; id++) {
		const struct mp_codec *c = mp_codec_get((enum mp_codec_id)id);

		if (c && c->rate == rate && c->bytes_per_ms * 1000 == rate * sizeof(int16_t))
			return c->id;
	}
	return MP_CODEC_SLIN;
}

static void update(struct mp_stream *s)
{
	if (s->bridge)
		mp_bridge_update(s->bridge);
	else
		mp_stream_update(s);
}

/* The target's rate may be new: its snoops follow, and theirs. */
void mp_snoop_retune(struct mp_stream *target)
{
	const enum mp_codec_id codec = linear(mp_stream_rate(target));

	MP_EACH(&target->snoops, at, after)
	{
		struct mp_stream *s = MP_ENTRY(at, struct mp_snoop, link)->owner;

		if (s->codec == codec)
			continue;
		s->codec = codec;
		update(s);
		mp_snoop_retune(s);
	}
}

/* spy, whisper: enum mp_tap. Returns 0, EINVAL (not a snoop), EBUSY (it has a target). */
int mp_snoop_link(struct mp_stream *s, struct mp_stream *target, uint8_t spy, uint8_t whisper)
{
	if (!s->snoop || s == target)
		return EINVAL;
	if (s->snoop->target)
		return EBUSY;
	s->snoop->target = target;
	s->snoop->spy = spy;
	s->snoop->whisper = whisper;
	s->snoop->gain_in = s->snoop->gain_out = MP_MIX_UNITY;
	mp_link_add(&target->snoops, &s->snoop->link);
	mp_snoop_retune(target);
	update(target);
	return 0;
}

/* One of both ends. Nothing happens if it has no target. */
void mp_snoop_unlink(struct mp_snoop *sn)
{
	struct mp_stream *target = sn->target;

	if (!target)
		return;
	mp_link_remove(&sn->link);
	sn->target = NULL;
	sn->gathered.n = sn->whispered.n = 0;
	update(target);
}

/* i: spy whisper gain_in gain_out bridged_only. Returns 0 or EINVAL (not a snoop). */
int mp_snoop_tune(struct mp_stream *s, const struct mp_cmd *c)
{
	struct mp_snoop *sn = s->snoop;

	if (!sn)
		return EINVAL;
	sn->spy = (uint8_t)c->i[0];
	sn->whisper = (uint8_t)c->i[1];
	sn->gain_in = (int32_t)c->i[2];
	sn->gain_out = (int32_t)c->i[3];
	sn->bridged_only = c->i[4] != 0;
	if (sn->target)
		update(sn->target);
	return 0;
}

/* Whether what it says is not to be recorded now. */
bool mp_snoop_is_idle(const struct mp_snoop *sn)
{
	return sn->bridged_only && !(sn->target && sn->target->bridge && sn->target->bridge->count > 1);
}

/* Whether anybody listens or whispers in this direction (enum mp_tap). */
bool mp_snoop_taps(const struct mp_stream *s, enum mp_tap tap)
{
	MP_EACH(&s->snoops, at, after)
	{
		const struct mp_snoop *sn = MP_ENTRY(at, struct mp_snoop, link);

		if ((sn->spy | sn->whisper) & tap)
			return true;
	}
	return false;
}

/*
 * A frame that the target says (IN) or hears (OUT): spies get it, then whispers are mixed in. Returns
 * whether one could be heard.
 */
bool mp_snoop_tap(struct mp_stream *target, enum mp_tap tap, int16_t *pcm, size_t n)
{
	bool audible = false;

	MP_EACH(&target->snoops, spies, after_spy)
	{
		struct mp_snoop *sn = MP_ENTRY(spies, struct mp_snoop, link);

		if (sn->spy & tap)
			gather(sn, pcm, n, tap == MP_TAP_IN ? sn->gain_in : sn->gain_out);
	}
	MP_EACH(&target->snoops, whisperers, after_whisperer)
	{
		const struct mp_snoop *sn = MP_ENTRY(whisperers, struct mp_snoop, link);

		if (!(sn->whisper & tap) || sn->whispered.n != n)
			continue;
		mp_mix_into(pcm, sn->whispered.pcm, n);
		audible = audible || mp_mix_level(sn->whispered.pcm, n) > AUDIBLE_LEVEL;
	}
	return audible;
}

/* What the snoop stream is given by its bridge or player. */
void mp_snoop_hear(struct mp_snoop *sn, const int16_t *pcm, size_t n)
{
	if (!sn->whisper || !sn->target)
		return;
	sn->heard.n = 0;
	add(&sn->heard, pcm, n);
}

/* What the snoop stream says in this tick. Returns the samples written: n or 0. */
size_t mp_snoop_say(const struct mp_snoop *sn, int16_t *pcm, size_t n)
{
	if (sn->spied.n != n)
		return 0;
	memcpy(pcm, sn->spied.pcm, n * sizeof(*pcm));
	return n;
}

/* At the start of a tick: what was gathered in the last one is due. */
void mp_snoop_begin_tick(struct mp_worker *w)
{
	MP_EACH(&w->snoops, at, after)
	{
		struct mp_snoop *sn = MP_ENTRY(at, struct mp_snoop, working);

		sn->spied = sn->gathered;
		sn->whispered = sn->heard;
		sn->gathered.n = sn->heard.n = 0;
	}
}

/* At its end: a target that was given nothing in this tick still hears the whispers. */
void mp_snoop_end_tick(struct mp_worker *w)
{
	MP_EACH(&w->snoops, at, after)
	{
		const struct mp_snoop *sn = MP_ENTRY(at, struct mp_snoop, working);
		static const int16_t SILENCE[MP_FRAME_MAX];

		if (sn->target && sn->whispered.n && (sn->whisper & MP_TAP_OUT) &&
		    sn->target->sent_tick != w->tick && !mp_dtmf_is_sounding(sn->target))
			mp_stream_send_frame(sn->target, SILENCE, sn->whispered.n);
	}
}
