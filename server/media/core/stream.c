/* A stream's life, its configuration and which of the worker's lists it is in. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core.h"

#define MAX_STALE 4096 /* packets; more than a socket buffer holds */

uint32_t mp_stream_rate(const struct mp_stream *s)
{
	return mp_codec_get(s->type == MP_STREAM_RTP ? s->rtp->out.codec : s->codec)->rate;
}

static void link_if(struct mp_link *list, struct mp_link *link, bool wanted)
{
	if (wanted && !mp_link_is_in(link))
		mp_link_add(list, link);
	else if (!wanted && mp_link_is_in(link))
		mp_link_remove(link);
}

/* Echo is a relay to itself, unless frames are needed: then it goes through the decoder. */
static bool echoes_frames(const struct mp_stream *s)
{
	return !s->bridge && s->background && s->background->kind == MP_BACKGROUND_ECHO &&
	       mp_stream_needs_frames(s);
}

static bool needs_audio(const struct mp_stream *s)
{
	return s->talk || echoes_frames(s) || mp_snoop_taps(s, MP_TAP_IN) || s->dtmf_det || s->scans ||
	       mp_link_is_in(&s->recorders) ||
	       (s->bridge && mp_link_is_in(&s->bridge->mix_link) && mp_bridge_talks(s->bridge, s));
}

static bool is_beeping(const struct mp_stream *s)
{
	MP_EACH(&s->recorders, at, after)
	{
		if (MP_ENTRY(at, struct mp_recorder, link)->beep_left)
			return true;
	}
	return false;
}

/* Call it when an effect came or went. */
void mp_stream_update(struct mp_stream *s)
{
	struct mp_worker *w = mp_worker_of(&s->obj);
	const enum mp_background kind = s->background ? s->background->kind : MP_BACKGROUND_NONE;
	const bool has_digits = s->dtmf_out != NULL;
	const bool beeps = is_beeping(s);
	bool decodes = needs_audio(s);
	const bool echoes = echoes_frames(s);

	mp_effects_tune(s->effects_in, mp_stream_rate(s));
	mp_effects_tune(s->effects_out, mp_stream_rate(s));
	s->override = s->player || beeps || kind == MP_BACKGROUND_MUSIC || kind == MP_BACKGROUND_TONE ||
	              mp_dtmf_is_sounding(s);
	if (!s->bridge)
		s->relay = kind == MP_BACKGROUND_ECHO && !echoes ? s : NULL;
	if (decodes && mp_pcm_need(s)) {
		MP_COUNT(w, no_memory);
		decodes = false;
	}
	if (!decodes)
		mp_pcm_close(s);
	link_if(&w->in_list, &s->in_link, decodes);
	link_if(&w->out_list, &s->out_link,
	        s->player || beeps || has_digits || echoes ||
	                (kind != MP_BACKGROUND_NONE && kind != MP_BACKGROUND_ECHO));
	if (s->snoop || mp_link_is_in(&s->in_link) || mp_link_is_in(&s->out_link))
		mp_worker_need_tick(w);
}

static bool is_fed(const struct mp_stream *s)
{
	if (!s->bridge || s->bridge->count < 2)
		return s->bridge && mp_link_is_in(&s->bridge->mix_link);
	return mp_bridge_hears(s->bridge, s);
}

static bool send_beep(struct mp_stream *s, int16_t *pcm, size_t n)
{
	MP_EACH(&s->recorders, at, after)
	{
		if (mp_recorder_beep(MP_ENTRY(at, struct mp_recorder, link), pcm, n)) {
			mp_stream_send_frame(s, pcm, n);
			return true;
		}
	}
	return false;
}

/* What the stream sends by itself in this tick: digits before beeps, players and the background. */
void mp_stream_tick_out(struct mp_stream *s)
{
	const uint32_t rate = mp_stream_rate(s);
	const size_t n = rate / MP_FRAMES_PER_S;
	int16_t pcm[MP_FRAME_MAX];

	if (mp_dtmf_tick(s) || send_beep(s, pcm, n)) {
		mp_stream_update(s);
		return;
	}
	if (s->player) {
		mp_player_set_rate(s->player, rate);
		if (mp_player_read(s->player, pcm, n))
			mp_stream_send_frame(s, pcm, n);
		return;
	}
	if (!s->background || (s->background->kind == MP_BACKGROUND_ECHO && !echoes_frames(s))) {
		mp_stream_update(s);
		return;
	}
	if (s->background->kind != MP_BACKGROUND_SILENCE || !is_fed(s))
		mp_background_tick(s);
}

/* -- life ---------------------------------------------------------------------------------------- */

void mp_stream_attach(struct mp_worker *w, struct mp_stream *s)
{
	atomic_store_explicit(&s->obj.worker, w, memory_order_release);
	if (s->player)
		atomic_store_explicit(&s->player->obj.worker, w, memory_order_release);
	MP_EACH(&s->recorders, at, after)
	{
		struct mp_recorder *r = MP_ENTRY(at, struct mp_recorder, link);

		atomic_store_explicit(&r->obj.worker, w, memory_order_release);
		mp_link_add(&w->recorders, &r->working);
	}
	mp_link_add(&w->streams, &s->all);
	if (s->snoop)
		mp_link_add(&w->snoops, &s->snoop->working);
	if (w->next_scan_us < w->now_us)
		w->next_scan_us = w->now_us;
	w->open_digits += s->dtmf_in.digit != 0;
	mp_background_adopt(w, s);
	if (s->rtp && (mp_worker_watch(w, &s->rtp->rtp) || mp_worker_watch(w, &s->rtp->rtcp)))
		MP_COUNT(w, no_memory);
	if (s->rtp && s->rtp->peer.fd >= 0 && mp_worker_watch(w, &s->rtp->peer))
		MP_COUNT(w, no_memory);
	if (s->sock)
		mp_socket_attach(w, s->sock);
	mp_stream_update(s);
}

/* Drop what came to the port before the stream was opened here: it was for nobody, and is stale. */
static void drain(int fd)
{
	uint8_t byte;

	for (int i = 0; i < MAX_STALE && recv(fd, &byte, sizeof(byte), MSG_DONTWAIT) >= 0; i++)
		;
}

void mp_stream_open(struct mp_worker *w, struct mp_stream *s)
{
	if (s->rtp) {
		s->rtp->last_rx_us = w->now_us;
		drain(s->rtp->rtp.fd);
		drain(s->rtp->rtcp.fd);
	}
	mp_stream_attach(w, s);
}

void mp_stream_detach(struct mp_worker *w, struct mp_stream *s)
{
	if (s->rtp) {
		mp_worker_unwatch(w, &s->rtp->rtp);
		mp_worker_unwatch(w, &s->rtp->rtcp);
		if (s->rtp->peer.fd >= 0)
			mp_worker_unwatch(w, &s->rtp->peer);
	}
	if (s->sock)
		mp_socket_detach(w, s->sock);
	mp_link_remove(&s->all);
	if (s->snoop)
		mp_link_remove(&s->snoop->working);
	mp_link_remove(&s->in_link);
	mp_link_remove(&s->out_link);
	w->open_digits -= s->dtmf_in.digit != 0;
	MP_EACH(&s->recorders, at, after)
	mp_link_remove(&MP_ENTRY(at, struct mp_recorder, link)->working);
	atomic_store_explicit(&s->obj.worker, NULL, memory_order_release);
}

static void close_sockets(struct mp_rtp_session *r)
{
	if (r->peer.fd >= 0)
		close(r->peer.fd);
	if (r->rtp.fd >= 0)
		close(r->rtp.fd);
	if (r->rtcp.fd >= 0)
		close(r->rtcp.fd);
	r->rtp.fd = r->rtcp.fd = r->peer.fd = -1;
}

/* Effects that end with the stream. */
static void drop_effects(struct mp_stream *s)
{
	mp_pcm_close(s);
	free(s->talk);
	free(s->dtmf_det);
	mp_scans_close(s);
	mp_effects_close(s->effects_in);
	mp_effects_close(s->effects_out);
	free(s->dtmf_out);
	if (s->background)
		free(s->background->tones);
	free(s->background);
	mp_resampler_close(s->to_mix);
	mp_resampler_close(s->from_mix);
	s->talk = NULL;
	s->dtmf_det = NULL;
	s->dtmf_out = NULL;
	s->background = NULL;
	s->effects_in = s->effects_out = NULL;
	s->to_mix = s->from_mix = NULL;
	if (s->rtp) {
		free(s->rtp->out.waiting);
		s->rtp->out.waiting = NULL;
	}
}

void mp_stream_close(struct mp_stream *s)
{
	struct mp_worker *w = mp_worker_of(&s->obj);

	mp_dtmf_cancel(s);
	if (s->bridge)
		mp_bridge_remove(s->bridge, s);
	if (s->player)
		mp_player_end(s->player, MP_END_STOPPED, 0);
	MP_EACH(&s->recorders, at, after)
	mp_recorder_finish(MP_ENTRY(at, struct mp_recorder, link), MP_END_CLOSED);
	if (s->pair)
		s->pair->pair = NULL;
	s->pair = NULL;
	if (s->snoop)
		mp_snoop_unlink(s->snoop);
	MP_EACH(&s->snoops, tap, after_tap)
	mp_snoop_unlink(MP_ENTRY(tap, struct mp_snoop, link));
	if (s->sock)
		mp_socket_close(s->sock);
	mp_stream_detach(w, s);
	/* commands already submitted for its players may still ask whose it is */
	atomic_store_explicit(&s->obj.worker, w, memory_order_release);
	drop_effects(s);
	if (s->rtp)
		close_sockets(s->rtp);
	mp_worker_emit(w, MP_EVENT_CLOSED, s->obj.handle, 0, 0, 0, 0, 0);
}

/* Control thread, when no worker has it. */
void mp_stream_free(struct mp_stream *s)
{
	drop_effects(s);
	if (s->pair)
		s->pair->pair = NULL;
	MP_EACH(&s->snoops, at, after)
	MP_ENTRY(at, struct mp_snoop, link)->target = NULL;
	mp_link_remove(&s->snoops);
	if (s->snoop && s->snoop->target)
		mp_link_remove(&s->snoop->link);
	free(s->snoop);
	if (s->rtp) {
		close_sockets(s->rtp);
		free(atomic_load(&s->rtp->stats.series));
		free(s->rtp);
	}
	mp_socket_free(s->sock);
	free(s);
}

/* -- configuration ------------------------------------------------------------------------------- */

/* Point the connected socket at `remote`; without one (no descriptors left), sendto does. */
void mp_stream_connect(struct mp_stream *s)
{
	struct mp_rtp_session *r = s->rtp;
	const bool is_new = r->peer.fd < 0;

	if (mp_sock_open_peer(&r->peer.fd, r->rtp.fd, &r->remote)) {
		if (r->peer.fd >= 0)
			close(r->peer.fd);
		r->peer.fd = -1;
	} else if (is_new && mp_worker_watch(mp_worker_of(&s->obj), &r->peer)) {
		close(r->peer.fd);
		r->peer.fd = -1;
	}
}

static void set_remote(struct mp_stream *s, const char *host, uint16_t port)
{
	struct mp_rtp_session *r = s->rtp;
	struct mp_addr remote = {.len = 0};

	if (*host && port)
		(void)mp_addr_parse(&remote, host, port);
	if (r->signalled.len && remote.len && mp_addr_equal(&r->signalled, &remote))
		return; /* nothing new: what was learned stays */
	if (!remote.len && !r->signalled.len && r->filter.state != MP_LEARN_OFF)
		return;
	r->signalled = remote;
	r->remote = remote;
	r->filter = (struct mp_source_filter){.state = MP_LEARNING};
	if (remote.len)
		mp_stream_connect(s);
}

static void set_rtcp_remote(struct mp_rtp_session *r, const char *host, uint16_t port, bool mux)
{
	r->rtcp_mux = mux;
	r->rtcp_remote_fixed = *host && port;
	if (r->rtcp_remote_fixed) {
		(void)mp_addr_parse(&r->rtcp_remote, host, port);
		return;
	}
	r->rtcp_remote = r->remote;
	if (r->remote.len && !mux) /* sin_port and sin6_port lie at the same place */
		r->rtcp_remote.u.in.sin_port = htons((uint16_t)(ntohs(r->remote.u.in.sin_port) + 1));
}

/* i: port codec pt ptime dtmf_pt symmetric direction timeout rtcp_port mux */
void mp_stream_configure(struct mp_stream *s, const struct mp_cmd *c)
{
	struct mp_rtp_session *r = s->rtp;

	if (!r || !mp_codec_get((enum mp_codec_id)c->i[1]) || c->bytes_len != sizeof(r->receive_map))
		return;
	set_remote(s, c->text[0], (uint16_t)c->i[0]);
	if (r->out.codec != (enum mp_codec_id)c->i[1] || r->out.ptime_ms != (uint8_t)c->i[3])
		r->out.waiting_len = 0;
	r->out.codec = (enum mp_codec_id)c->i[1];
	r->out.payload_type = (uint8_t)c->i[2] & 0x7f;
	r->out.ptime_ms = (uint8_t)c->i[3];
	if (r->out.ptime_ms * mp_codec_get(r->out.codec)->bytes_per_ms > MP_PACKET_MAX - MP_HEADROOM)
		r->out.ptime_ms = MP_TICK_MS;
	r->out.dtmf_payload_type = r->dtmf_payload_type = (int16_t)c->i[4];
	memcpy(r->receive_map, c->bytes, sizeof(r->receive_map));
	r->symmetric = c->i[5] != 0;
	r->direction = (uint8_t)c->i[6];
	r->timeout_ms = (uint32_t)c->i[7];
	r->timeout_reported = false;
	r->last_rx_us = mp_worker_of(&s->obj)->now_us;
	set_rtcp_remote(r, c->text[1], (uint16_t)c->i[8], c->i[9] != 0);
	s->codec = r->out.codec;
	if (s->bridge)
		mp_bridge_update(s->bridge);
	mp_stream_update(s);
	mp_snoop_retune(s);
}

/* -- detectors ----------------------------------------------------------------------------------- */

int mp_stream_talk_detect(struct mp_stream *s, bool enabled, uint32_t silence_ms, uint32_t threshold)
{
	int err = 0;

	free(s->talk);
	s->talk = NULL;
	if (enabled) {
		s->talk = calloc(1, sizeof(*s->talk));
		err = s->talk ? mp_vad_init(s->talk, mp_stream_rate(s), threshold, silence_ms) : ENOMEM;
	}
	mp_stream_update(s);
	return err;
}

int mp_stream_dtmf_detect(struct mp_stream *s, bool enabled)
{
	int err = 0;

	free(s->dtmf_det);
	s->dtmf_det = NULL;
	if (enabled) {
		s->dtmf_det = calloc(1, sizeof(*s->dtmf_det));
		err = s->dtmf_det ? mp_dtmf_det_init(s->dtmf_det, mp_stream_rate(s)) : ENOMEM;
	}
	mp_stream_update(s);
	return err;
}

/* -- effects ------------------------------------------------------------------------------------- */

static void update_all(struct mp_stream *s)
{
	if (s->bridge)
		mp_bridge_update(s->bridge);
	mp_stream_update(s);
}

int mp_stream_effect(struct mp_stream *s, enum mp_tap tap, enum mp_effect what, int32_t value)
{
	struct mp_effects **ep = tap == MP_TAP_IN ? &s->effects_in : &s->effects_out;
	const int err = mp_effects_set(ep, what, value, mp_stream_rate(s));

	update_all(s);
	return err;
}

void mp_stream_jitter(struct mp_stream *s, bool enabled, uint32_t min_ms, uint32_t max_ms)
{
	s->has_jitter = enabled;
	s->jitter_min_ms = min_ms;
	s->jitter_max_ms = max_ms;
	mp_pcm_close(s); /* the buffer is opened again as it is wanted now */
	update_all(s);
}
