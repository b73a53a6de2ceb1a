/* Per tick: from the jitter buffer to a frame of PCM, and to those who listen in. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "mix.h"

#define SILENT_LEVEL                                                                        \
	4 /* mean absolute sample value up to which a frame counts as silence for the mixer \
	   */

int mp_pcm_need(struct mp_stream *s)
{
	const struct mp_jbuf_conf conf = {.clock_rate = mp_stream_rate(s),
	                                  .min_ms = s->has_jitter ? s->jitter_min_ms : 0,
	                                  .max_ms = s->has_jitter ? s->jitter_max_ms : 0,
	                                  .max_packets = s->has_jitter ? 256 : 0};
	struct mp_pcm *pcm = s->pcm;
	int err;

	if (pcm && pcm->rate == conf.clock_rate)
		return 0;
	mp_pcm_close(s);
	pcm = calloc(1, sizeof(*pcm));
	if (!pcm)
		return ENOMEM;
	pcm->rate = conf.clock_rate;
	if (s->snoop) { /* it gets frames, never packets */
		s->pcm = pcm;
		return 0;
	}
	err = mp_jbuf_open(&pcm->jbuf, &conf);
	if (!err)
		err = mp_plc_init(&pcm->plc, pcm->rate);
	if (err) {
		mp_jbuf_close(pcm->jbuf);
		free(pcm);
		return err;
	}
	s->pcm = pcm;
	return 0;
}

void mp_pcm_close(struct mp_stream *s)
{
	if (!s->pcm)
		return;
	mp_jbuf_close(s->pcm->jbuf);
	free(s->pcm);
	s->pcm = NULL;
	mp_resampler_close(s->to_mix);
	s->to_mix = NULL;
}

/* Audio that comes with the tick needs no jitter buffer. */
static void put_now(struct mp_pcm *pcm, const struct mp_packet *p)
{
	const size_t room = sizeof(pcm->fifo) / sizeof(pcm->fifo[0]) - pcm->filled;

	pcm->filled += mp_codec_get(p->codec)->decode(p->payload, p->len, pcm->fifo + pcm->filled, room);
}

void mp_pcm_put(struct mp_stream *s, const struct mp_packet *p)
{
	if (mp_codec_get(p->codec)->rate != s->pcm->rate) {
		MP_COUNT(mp_worker_of(&s->obj), relay_no_codec);
		return;
	}
	if (s->sock && mp_socket_is_paced(s->sock)) {
		put_now(s->pcm, p);
		return;
	}
	/* the outcome is in the buffer's own counters */
	(void)mp_jbuf_put(s->pcm->jbuf, p->ssrc, p->seq, p->ts, p->now_us, (uint8_t)p->codec, p->payload,
	                  p->len);
}

/* Add the next packet's audio to the fifo. Returns false when there is none. */
static bool refill(struct mp_pcm *pcm)
{
	const size_t room = sizeof(pcm->fifo) / sizeof(pcm->fifo[0]) - pcm->filled;
	int16_t *at = pcm->fifo + pcm->filled;
	struct mp_jbuf_packet packet;
	size_t n;

	switch (mp_jbuf_get(pcm->jbuf, &packet)) {
	case MP_JBUF_PACKET:
		n = mp_codec_get((enum mp_codec_id)packet.payload_type)
		            ->decode(packet.payload, packet.len, at, room);
		mp_plc_good(&pcm->plc, at, n);
		break;
	case MP_JBUF_LOST:
		n = packet.duration < room ? packet.duration : room;
		mp_plc_conceal(&pcm->plc, at, n);
		break;
	default:
		return false;
	}
	pcm->filled += n;
	return n > 0;
}

static void count_jbuf(struct mp_worker *w, struct mp_pcm *pcm)
{
	struct mp_jbuf_stats st;

	mp_jbuf_stats(pcm->jbuf, &st);
	mp_add(&w->counters.jbuf_lost, st.lost - pcm->lost_seen);
	mp_add(&w->counters.jbuf_late, st.late - pcm->late_seen);
	pcm->lost_seen = st.lost;
	pcm->late_seen = st.late;
}

static void make_frame(struct mp_stream *s, struct mp_pcm *pcm)
{
	const size_t n = pcm->rate / MP_FRAMES_PER_S;
	size_t got;

	if (s->snoop)
		pcm->filled = mp_snoop_say(s->snoop, pcm->fifo, n);
	while (pcm->filled < n && pcm->jbuf && refill(pcm))
		;
	got = pcm->filled < n ? pcm->filled : n;
	memcpy(pcm->frame, pcm->fifo, got * sizeof(pcm->frame[0]));
	memset(pcm->frame + got, 0, (n - got) * sizeof(pcm->frame[0]));
	pcm->filled -= got;
	memmove(pcm->fifo, pcm->fifo + got, pcm->filled * sizeof(pcm->fifo[0]));
	if (mp_stream_is_muted_in(s))
		memset(pcm->frame, 0, n * sizeof(pcm->frame[0]));
	pcm->active = got && !mp_stream_is_muted_in(s) && mp_mix_level(pcm->frame, n) > SILENT_LEVEL;
}

static void detect_talk(struct mp_stream *s, const int16_t *frame, size_t n)
{
	struct mp_worker *w = mp_worker_of(&s->obj);

	switch (mp_vad_feed(s->talk, frame, n)) {
	case MP_VAD_STARTED:
		mp_worker_emit(w, MP_EVENT_TALK_STARTED, s->obj.handle, 0, 0, 0, 0, 0);
		break;
	case MP_VAD_FINISHED:
		mp_worker_emit(w, MP_EVENT_TALK_FINISHED, s->obj.handle, s->talk->burst_ms, 0, 0, 0, 0);
		break;
	case MP_VAD_NONE:
		break;
	}
}

void mp_pcm_tick(struct mp_stream *s)
{
	struct mp_pcm *pcm = s->pcm;
	const size_t n = pcm->rate / MP_FRAMES_PER_S;

	make_frame(s, pcm);
	if (pcm->jbuf)
		count_jbuf(mp_worker_of(&s->obj), pcm);
	if (mp_stream_is_tapped(s) && mp_snoop_tap(s, MP_TAP_IN, pcm->frame, n))
		pcm->active = true;
	if (s->effects_in) { /* some are late: sound goes on after the last packet's */
		mp_effects_run(s->effects_in, pcm->frame, n);
		pcm->active = mp_mix_level(pcm->frame, n) > SILENT_LEVEL;
	}
	if (s->talk)
		detect_talk(s, pcm->frame, n);
	if (s->scans)
		mp_scans_feed(s, pcm->frame, n, pcm->rate);
	if (s->dtmf_det)
		mp_dtmf_det_feed(s->dtmf_det, pcm->frame, n, mp_dtmf_inband, s);
	if (s->snoop && mp_snoop_is_idle(s->snoop))
		return;
	MP_EACH(&s->recorders, at, after)
	mp_recorder_feed(MP_ENTRY(at, struct mp_recorder, link), pcm->frame, n, pcm->rate);
}
