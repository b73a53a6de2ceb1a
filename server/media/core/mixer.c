/*
 * The mix of a bridge, once a tick.
 *
 * All talkers are summed. Who contributed hears the sum without itself; all others hear the same sum, which
 * is encoded once per codec. Silent talkers contribute nothing and so cost as little as listeners.
 */
#include <string.h>

#include "core.h"
#include "mix.h"

struct mix {
	uint32_t rate;
	size_t n;
	int32_t acc[MP_FRAME_MAX];
	int16_t total[MP_FRAME_MAX];
	bool has_total;
	uint16_t encoded_len[MP_CODEC_COUNT];
	uint8_t encoded[MP_CODEC_COUNT][MP_FRAME_MAX * 2];
};

static bool convert(struct mp_resampler **rp, uint32_t from, uint32_t to, const int16_t *in, size_t in_n,
                    int16_t *out, size_t out_n)
{
	size_t used = in_n, made = out_n;

	if (!*rp && mp_resampler_open(rp, from, to))
		return false;
	if (mp_resampler_process(*rp, in, &used, out, &made))
		return false;
	if (made <
	    out_n) { /* the filter's first frame: silence comes first, so that no later one is short */
		memmove(out + (out_n - made), out, made * sizeof(*out));
		memset(out, 0, (out_n - made) * sizeof(*out));
	}
	return true;
}

/* A member's frame at the bridge's rate, NULL if it has nothing to say. */
static const int16_t *contribution(const struct mp_bridge *b, struct mp_stream *s, const struct mix *m)
{
	struct mp_pcm *pcm = s->pcm;

	if (!pcm || !pcm->active || !mp_bridge_talks(b, s))
		return NULL;
	if (pcm->rate == m->rate)
		return pcm->frame;
	int16_t low[MP_FRAME_MAX];
	const size_t n = pcm->rate / MP_FRAMES_PER_S;

	memcpy(low, pcm->frame, n * sizeof(low[0]));
	return convert(&s->to_mix, pcm->rate, m->rate, low, n, pcm->frame, m->n) ? pcm->frame : NULL;
}

static void add_sources(struct mp_bridge *b, struct mp_worker *w, struct mix *m)
{
	int16_t frame[MP_FRAME_MAX];

	if (b->music)
		mp_mix_add(m->acc, mp_music_frame(w, b->music, m->rate), m->n);
	if (b->player && mp_player_read(b->player, frame, m->n))
		mp_mix_add(m->acc, frame, m->n);
}

static const int16_t *total(struct mix *m)
{
	if (!m->has_total)
		mp_mix_out(m->total, m->acc, m->n);
	m->has_total = true;
	return m->total;
}

static void send_shared(struct mp_stream *s, struct mix *m)
{
	const enum mp_codec_id id = s->type == MP_STREAM_RTP ? s->rtp->out.codec : s->codec;
	const struct mp_codec *c = mp_codec_get(id);

	if (!m->encoded_len[id])
		m->encoded_len[id] =
		        (uint16_t)c->encode(total(m), m->n, m->encoded[id], sizeof(m->encoded[id]));
	mp_stream_send_encoded(s, m->encoded[id], m->encoded_len[id], m->n);
}

static void send_to(struct mp_stream *s, const int16_t *own, struct mix *m)
{
	const uint32_t rate = mp_stream_rate(s);
	int16_t out[MP_FRAME_MAX], wire[MP_FRAME_MAX];

	if (!own && rate == m->rate) {
		send_shared(s, m);
		return;
	}
	if (own)
		mp_mix_minus(out, m->acc, own, m->n);
	else
		memcpy(out, total(m), m->n * sizeof(out[0]));
	if (rate == m->rate)
		mp_stream_send_frame(s, out, m->n);
	else if (convert(&s->from_mix, m->rate, rate, out, m->n, wire, rate / MP_FRAMES_PER_S))
		mp_stream_send_frame(s, wire, rate / MP_FRAMES_PER_S);
}

void mp_mixer_tick(struct mp_bridge *b)
{
	struct mp_worker *w = mp_worker_of(&b->obj);
	const bool had_player = b->player != NULL;
	struct mix m;

	b->in_tick = true;
	m.rate = b->rate;
	m.n = b->rate / MP_FRAMES_PER_S;
	m.has_total = false;
	memset(m.encoded_len, 0, sizeof(m.encoded_len));
	mp_mix_clear(m.acc, m.n);
	for (size_t i = 0; i < b->count; i++) {
		struct mp_stream *s = b->members[i];

		s->contribution = contribution(b, s, &m);
		if (s->contribution)
			mp_mix_add(m.acc, s->contribution, m.n);
	}
	add_sources(b, w, &m);
	for (size_t i = 0; i < b->count; i++) {
		struct mp_stream *s = b->members[i];

		if (!s->override && mp_bridge_hears(b, s) && mp_stream_is_sending(s))
			send_to(s, s->contribution, &m);
	}
	MP_EACH(&b->recorders, at, after)
	mp_recorder_feed(MP_ENTRY(at, struct mp_recorder, link), total(&m), m.n, m.rate);
	b->in_tick = false;
	if (had_player && !b->player)
		mp_bridge_update(b);
}
