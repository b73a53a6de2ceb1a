/*
 * Private to the engine: its objects and what its files offer each other.
 *
 * A packet's path: socket → rtp_in.c (source check, statistics) → mp_stream_input → relay peer
 * (rtp_out.c rewrites the header and sends), and, if somebody needs the audio, jitter buffer → pcm.c (tick:
 * decode, conceal, detect, record) → mixer.c → rtp_out.c.
 *
 * Ownership: the engine's slot map owns objects; a worker owns their content between STREAM_OPEN (or
 * BRIDGE_OPEN, or being attached) and the CLOSED or DONE event.
 */
#ifndef MP_CORE_H
#define MP_CORE_H

#include <pthread.h>
#include <stdatomic.h>

#include "codec.h"
#include "dtmf.h"
#include "effects.h"
#include "fileio.h"
#include "jbuf.h"
#include "list.h"
#include "mp.h"
#include "plc.h"
#include "resample.h"
#include "ring.h"
#include "rtp.h"
#include "tone.h"
#include "vad.h"

#define MP_TICK_US      20000 /* one frame */
#define MP_TICK_MS      20
#define MP_FRAMES_PER_S 50
#define MP_MAX_RATE     16000                           /* Hz, of the mixer */
#define MP_FRAME_MAX    (MP_MAX_RATE / MP_FRAMES_PER_S) /* samples */
#define MP_HEADROOM     MP_RTP_HEADER /* bytes before a packet's payload that may be overwritten */
#define MP_PACKET_MAX   (MP_RTP_HEADER + 1440)
#define MP_MAX_HOPS     8  /* local pairs that a packet may pass: more is a loop */
#define MP_MUSIC_NAME   80 /* bytes of a class's name, NUL included */
#define MP_DTMF_VOLUME  10 /* -dBm0 */

struct mp_worker;
struct mp_stream;
struct mp_bridge;
struct mp_player;
struct mp_recorder;
struct mp_music;

/* -- counters -------------------------------------------------------------------------------------- */

/* One worker's counters: written by it, read by any thread. */
struct mp_counters {
#define MP_COUNTER(name) _Atomic uint64_t name;
#include "counter.def"
#undef MP_COUNTER
};

/* Only the owner writes, so a load and a store make an increment that others may read at any time. */
static inline void mp_add(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
	                      memory_order_relaxed);
}
#define MP_COUNT(w, name) mp_add(&(w)->counters.name, 1)

/* -- objects --------------------------------------------------------------------------------------- */

struct mp_object {
	/* set at creation, then read-only */
	enum mp_kind kind;
	uint64_t handle;
	/* atomic: the worker that has it, NULL on its way; stored with release by the worker that lets
	 * go or adopts, so that what it wrote before is seen by the one that finds itself named here */
	_Atomic(struct mp_worker *) worker;
};

/* What the epoll loop calls. */
struct mp_watch {
	void (*ready)(struct mp_watch *watch, struct mp_worker *w);
	int fd;            /* -1: none */
	uint64_t ready_us; /* when it was ready last */
};

/* A packet inside the engine. MP_HEADROOM bytes before the payload may be overwritten. */
struct mp_packet {
	enum mp_codec_id codec; /* NONE: an RFC 4733 event */
	bool marker;
	uint16_t seq;
	uint32_t ts;
	uint32_t ssrc;
	uint8_t *payload;
	size_t len;
	uint64_t now_us;
	unsigned hops;
};

/* -- statistics (stats.c) -------------------------------------------------------------------------- */

/* Doubles as bits in 64-bit atomics, so that the control thread may read them. */
struct mp_series_data {
	_Atomic uint64_t count;
	_Atomic double last, min, max, mean, m2;
};
void mp_series_add(struct mp_series_data *s, double value);
void mp_series_read(const struct mp_series_data *s, struct mp_series *out);

/* Sent and received RTP of one stream (RFC 3550 appendix A). Owner writes, any thread reads. */
struct mp_rtp_stats {
	_Atomic uint64_t rx_packets, rx_octets, tx_packets, tx_octets;
	_Atomic uint64_t rx_lost, tx_lost;
	_Atomic uint32_t remote_ssrc;
	/* owner worker */
	bool has_seq;
	uint16_t max_seq;
	uint32_t cycles, base_seq;
	uint64_t received; /* since base_seq */
	uint64_t expected_prior, received_prior;
	uint32_t transit;
	bool has_transit;
	_Atomic double jitter;                   /* s; read by any thread */
	_Atomic(struct mp_series_data *) series; /* 5, from the first report on; release at its making */
};
enum {
	MP_SERIES_JITTER,
	MP_SERIES_REMOTE_JITTER,
	MP_SERIES_LOSS,
	MP_SERIES_REMOTE_LOSS,
	MP_SERIES_RTT,
	MP_SERIES_COUNT
};
void mp_stats_received(struct mp_rtp_stats *s, const struct mp_rtp *rtp, uint32_t clock_rate,
                       uint64_t now_us, bool is_audio);
void mp_stats_snapshot(const struct mp_stream *s, struct mp_stream_stats *out);

/* -- streams --------------------------------------------------------------------------------------- */

enum mp_stream_type { MP_STREAM_RTP, MP_STREAM_LOCAL, MP_STREAM_NULL, MP_STREAM_SNOOP, MP_STREAM_SOCKET };
enum mp_learn { MP_LEARN_OFF, MP_LEARNING, MP_LEARN_LOCKED };

/* Which source of RTP is believed (strict.c). */
struct mp_source_filter {
	enum mp_learn state;
	struct mp_addr trusted;   /* LOCKED: where RTP comes from */
	struct mp_addr candidate; /* LEARNING: who is on probation */
	uint16_t next_seq;        /* that the candidate should send */
	unsigned good;            /* packets in sequence so far */
};

/* What is sent by RTP. */
struct mp_rtp_out {
	enum mp_codec_id codec;
	uint8_t payload_type;
	int16_t dtmf_payload_type; /* -1: none */
	uint8_t ptime_ms;
	bool started; /* something was sent */
	uint32_t ssrc;
	uint16_t seq;      /* last sent */
	uint32_t ts;       /* last sent */
	uint64_t ts_us;    /* when the first packet of this timestamp was sent */
	uint32_t duration; /* of the last packet if it was our own audio, else 0; clock units */
	/* whose packets are relayed; NULL: our own frames */
	const struct mp_stream *source;
	uint32_t source_ssrc;
	uint16_t seq_delta;
	uint32_t ts_delta;
	struct mp_rtp_event open_event; /* relayed, its end not yet; digit 0: none */
	/* packet times other than 20 ms: audio that waits; payload after a header's room */
	uint8_t *waiting;
	size_t waiting_len;
};

/* An RTP session: everything that only RTP streams have. */
struct mp_rtp_session {
	struct mp_stream *owner;
	struct mp_watch rtp, rtcp;
	struct mp_watch
	        peer; /* bound to the same port and connected to `remote`: sending by it costs half */
	struct mp_addr remote, rtcp_remote; /* where we send */
	struct mp_addr signalled;           /* what SDP said; len 0: nothing */
	struct mp_source_filter filter;
	uint8_t receive_map[128]; /* payload type → enum mp_codec_id */
	int16_t dtmf_payload_type;
	bool symmetric, rtcp_mux, rtcp_remote_fixed;
	bool trace; /* report every packet to Python */
	uint8_t direction;
	uint16_t port;
	struct mp_rtp_out out;
	struct mp_rtp_stats stats;
	/* timers */
	uint32_t timeout_ms;
	bool timeout_reported;
	uint64_t last_rx_us;
	uint64_t next_rtcp_us;
	uint64_t rx_at_report, tx_at_report; /* packets at the last report */
	/* from the last SR received */
	uint32_t last_sr;
	uint64_t last_sr_us;
};

/* RFC 4733 digits that come in (dtmf_in.c). */
struct mp_dtmf_in {
	char digit; /* that is on, 0: none */
	bool has_ts;
	uint32_t ts; /* of the present or last digit */
	uint16_t duration;
	uint64_t last_us;
};

/* Digits that go out (dtmf_out.c). */
struct mp_dtmf_job {
	char digit; /* 0: a pause */
	uint16_t ms;
	uint64_t cookie; /* not 0: completed when this job has ended */
};
#define MP_DTMF_JOBS 512
struct mp_dtmf_out {
	struct mp_dtmf_job jobs[MP_DTMF_JOBS];
	unsigned head, count;
	/* the present job */
	uint32_t elapsed_ms;
	uint32_t tail; /* end packets still to repeat */
	bool in_band;
	struct mp_dtmf_gen gen;
};

/* Decoding of what comes in, for those who need audio (pcm.c). */
struct mp_pcm {
	uint32_t rate;
	struct mp_jbuf *jbuf;
	struct mp_plc plc;
	int16_t fifo[MP_FRAME_MAX + MP_MAX_RATE * 120 / 1000];
	size_t filled;
	int16_t frame[MP_FRAME_MAX]; /* of this tick, at `rate` */
	bool active;                 /* the frame holds sound */
	uint64_t lost_seen, late_seen;
};

/* What is sent when nobody else does (background.c). */
struct mp_bg {
	enum mp_background kind;
	char name[MP_MUSIC_NAME];
	struct mp_music *music; /* of the present worker */
	struct mp_tone_list *tones;
	struct mp_tonegen gen;
	uint32_t rate;
};

struct mp_snoop_frame {
	size_t n; /* samples, 0: none */
	int16_t pcm[MP_FRAME_MAX];
};

/* What only snoop streams have (snoop.c). */
struct mp_snoop {
	struct mp_stream *owner; /* set at open, then read-only */
	/* owner worker */
	struct mp_link link;       /* target's snoops */
	struct mp_link working;    /* worker's snoops */
	struct mp_stream *target;  /* NULL: none yet, or it has ended */
	uint8_t spy, whisper;      /* enum mp_tap bits */
	int32_t gain_in, gain_out; /* of what is spied, Q12 */
	bool bridged_only;         /* it is recorded only while its target is in a bridge with somebody */
	struct mp_snoop_frame gathered, spied, heard, whispered;
};

struct mp_stream {
	struct mp_object obj;
	/* set at open, then read-only */
	enum mp_stream_type type;
	struct mp_stream *pair;     /* LOCAL: the other end, NULL once it closed; owner worker */
	struct mp_rtp_session *rtp; /* RTP only */
	struct mp_snoop *snoop;     /* SNOOP only */
	struct mp_socket *sock;     /* SOCKET only */

	/* owner worker */
	struct mp_link all;      /* worker's streams */
	struct mp_link in_link;  /* worker's streams that are decoded each tick */
	struct mp_link out_link; /* worker's streams that send by themselves each tick */
	struct mp_bridge *bridge;
	struct mp_stream *relay; /* who gets our packets undecoded */
	uint8_t role;
	bool bridge_mute, dtmf_pass;
	bool mute_in, mute_out;
	uint8_t drop_in, drop_out; /* enum mp_drop bits */
	bool has_jitter;           /* it is played out steadily, within these: */
	uint32_t jitter_min_ms, jitter_max_ms;
	bool override;          /* a player, tone, music or digit replaces what the bridge gives */
	enum mp_codec_id codec; /* LOCAL, NULL: slin; SNOOP: target's rate; SOCKET: chosen at open */
	struct mp_link snoops;  /* of those whose target it is */
	uint64_t sent_tick;     /* when a frame was sent last, while there are such */

	/* effects, NULL while unused */
	struct mp_player *player;
	struct mp_link recorders;
	struct mp_pcm *pcm;
	struct mp_vad *talk;
	struct mp_dtmf_det *dtmf_det;
	struct mp_stream_scan *scans; /* list */
	struct mp_effects *effects_in, *effects_out;
	struct mp_dtmf_out *dtmf_out;
	struct mp_bg *background;
	struct mp_resampler *to_mix, *from_mix;
	const int16_t *contribution; /* to this tick's mix, NULL: none */
	struct mp_dtmf_in dtmf_in;
	/* LOCAL: our frames' header */
	uint16_t local_seq;
	uint32_t local_ts;
	uint64_t local_us;
};

struct mp_bridge {
	struct mp_object obj;
	/* owner worker */
	struct mp_link mix_link; /* worker's bridges that mix each tick */
	struct mp_stream **members;
	size_t count, room;
	bool holding;
	bool in_tick; /* its mixer runs: members and effects must not change */
	struct mp_player *player;
	struct mp_link recorders;
	char music_name[MP_MUSIC_NAME];
	struct mp_music *music; /* of the present worker, NULL: none */
	uint32_t rate;
};

struct mp_player {
	struct mp_object obj;
	/* set at creation, then read-only */
	size_t count;
	uint64_t offset_ms;
	/* owner worker */
	struct mp_stream *stream; /* or */
	struct mp_bridge *bridge;
	size_t index;
	bool started, paused;
	struct mp_source *source;
	struct mp_source *ahead; /* of the next item, opened early so that no gap comes between */
	uint32_t rate;
	struct mp_tone_list *tones;
	struct mp_tonegen gen;
	uint64_t played; /* samples of the present item (tones and silence) */
	struct mp_item items[];
};

struct mp_recorder {
	struct mp_object obj;
	/* set at creation, then read-only */
	char *path, *format;
	unsigned flags;
	uint32_t max_duration_ms, max_silence_ms;
	bool beep;
	/* owner worker */
	struct mp_link link;      /* of the stream or bridge */
	struct mp_link working;   /* worker's recorders, until the file is complete */
	struct mp_stream *stream; /* or */
	struct mp_bridge *bridge;
	struct mp_sink *sink;
	uint32_t rate;
	bool reported_open, paused, muted, ending;
	enum mp_end reason;
	struct mp_vad vad;
	uint64_t samples;
	uint32_t beep_left; /* samples */
	struct mp_sine beep_tone;
	struct mp_resampler *resampler; /* stream whose rate changed under way */
	uint32_t resampler_rate;
};

struct mp_music {
	struct mp_link link;
	char *name;
	char **paths;
	size_t count;
	bool random;
	size_t index;
	struct mp_source *source;
	uint32_t seed;
	unsigned failures; /* files in a row that could not be played */
	/* of this tick */
	uint64_t tick;
	int16_t frame[MP_FRAME_MAX / 2]; /* 8 kHz */
	int16_t wide[MP_FRAME_MAX];      /* 16 kHz, if has_wide */
	bool has_wide;
	struct mp_resampler *up;
	uint16_t encoded_len[MP_CODEC_COUNT]; /* 0: not yet */
	uint8_t encoded[MP_CODEC_COUNT][MP_FRAME_MAX * 2];
};

/* -- workers --------------------------------------------------------------------------------------- */

enum mp_clock { MP_CLOCK_OFF, MP_CLOCK_SCANS, MP_CLOCK_FRAMES }; /* what the timer is armed for */

struct mp_inbox_item { /* a group that moves here */
	struct mp_inbox_item *next;
	size_t count;
	struct mp_object *objects[];
};

struct mp_worker {
	/* set at start, then read-only */
	struct mp_engine *engine;
	unsigned index;
	int epoll;
	struct mp_watch wake;  /* eventfd */
	struct mp_watch timer; /* timerfd */
	pthread_t thread;
	bool has_thread;

	/* rings and atomics, any thread as they say */
	struct mp_ring commands; /* control thread → worker */
	struct mp_ring events;   /* worker → control thread */
	_Atomic bool wake_pending;
	_Atomic bool stopping;
	_Atomic uint64_t stop_by_us;
	bool needs_wake; /* control thread */
	struct mp_counters counters;
	/* protected by mtx */
	pthread_mutex_t mtx;
	struct mp_inbox_item *inbox;

	/* owner worker */
	struct mp_link streams, in_list, out_list, mixing, recorders, music, snoops;
	struct mp_link sockets, lingering; /* connected; over, but the peer has not read all */
	size_t bridges;                    /* open here */
	uint64_t now_us;
	uint64_t next_tick_us; /* 0: not ticking */
	uint64_t next_scan_us;
	uint64_t tick;
	unsigned open_digits; /* RFC 4733 digits that wait for their end */
	bool has_commands;
	enum mp_clock clock;
	bool events_pushed;
	/* events that found the ring full */
	struct mp_event *overflow;
	size_t overflow_count, overflow_room;
	uint8_t buf[MP_HEADROOM + MP_RTP_MAX + 64];
};

struct mp_engine {
	/* set at open, then read-only */
	struct mp_engine_conf conf;
	struct mp_fileio *files;
	int event_fd;
	char cname[32];
	struct mp_worker workers[MP_MAX_WORKERS];
	bool started, stopped;
	/* atomic: an eventfd write is under way or was not read yet */
	_Atomic bool event_pending;
	/* control thread */
	struct mp_slot *slots;
	uint32_t slot_count, slot_free;
	struct mp_grave *graves, **last_grave;
	uint64_t live[MP_KIND_RECORDER + 1];
	unsigned next_worker;
	uint16_t next_port;
	uint64_t rng;
	size_t drain_from;
};

/*
 * An object that has ended. Commands to it may still be in a ring, so its memory waits until every worker
 * has passed what had been submitted when the end became known.
 */
struct mp_grave {
	struct mp_grave *next;
	struct mp_object *object;
	size_t heads[];
};

uint64_t mp_now_us(void);

/* handle.c: the slot map. Control thread. */
struct mp_slot {
	struct mp_object *object; /* NULL: free */
	uint32_t generation;
	uint32_t next_free;
	uint64_t parent; /* player, recorder: what it is attached to, 0: nothing yet */
	uint8_t worker;
	bool closing;
};
int mp_handle_add(struct mp_engine *e, struct mp_object *o, enum mp_kind kind, unsigned worker);
struct mp_slot *mp_handle_slot(const struct mp_engine *e, uint64_t handle);
void mp_handle_remove(struct mp_engine *e, uint64_t handle);

/* grave.c. Control thread. */
void mp_object_free(struct mp_object *o);
void mp_grave_add(struct mp_engine *e, uint64_t handle);
void mp_grave_sweep(struct mp_engine *e, bool all);

/* sock.c */
int mp_sock_open_pair(int fds[2], uint16_t *port, struct mp_engine *e, const char *host, int tos);
int mp_sock_open_peer(int *fd, int bound, const struct mp_addr *remote);

/* worker.c */
int mp_worker_open(struct mp_worker *w, struct mp_engine *e, unsigned index);
int mp_worker_start(struct mp_worker *w);
void mp_worker_wake(struct mp_worker *w);
void mp_worker_join(struct mp_worker *w);
void mp_worker_close(struct mp_worker *w);
int mp_worker_watch(struct mp_worker *w, struct mp_watch *watch);
void mp_worker_unwatch(struct mp_worker *w, struct mp_watch *watch);
void mp_worker_need_tick(struct mp_worker *w);
void mp_worker_emit(struct mp_worker *w, enum mp_event_type type, uint64_t handle, int64_t a, int64_t b,
                    int64_t c, int64_t d, int64_t e);

/* command.c */
bool mp_commands_run(struct mp_worker *w);
void mp_worker_adopt(struct mp_worker *w);

/* stream.c */
static inline struct mp_worker *mp_worker_of(const struct mp_object *o)
{
	return atomic_load_explicit(&o->worker, memory_order_relaxed);
}
void mp_stream_open(struct mp_worker *w, struct mp_stream *s);
void mp_stream_close(struct mp_stream *s);
void mp_stream_free(struct mp_stream *s);
void mp_stream_attach(struct mp_worker *w, struct mp_stream *s);
void mp_stream_detach(struct mp_worker *w, struct mp_stream *s);
void mp_stream_connect(struct mp_stream *s);
void mp_stream_configure(struct mp_stream *s, const struct mp_cmd *cmd);
int mp_stream_talk_detect(struct mp_stream *s, bool enabled, uint32_t silence_ms, uint32_t threshold);
int mp_stream_dtmf_detect(struct mp_stream *s, bool enabled);
int mp_stream_effect(struct mp_stream *s, enum mp_tap tap, enum mp_effect what, int32_t value);
void mp_stream_jitter(struct mp_stream *s, bool enabled, uint32_t min_ms, uint32_t max_ms);
void mp_stream_update(struct mp_stream *s); /* after a change of effects: lists and override */
void mp_stream_tick_out(struct mp_stream *s);
uint32_t mp_stream_rate(const struct mp_stream *s);
bool mp_stream_is_sending(const struct mp_stream *s);

static inline bool mp_stream_is_tapped(const struct mp_stream *s)
{
	return mp_link_is_in(&s->snoops);
}

/* Somebody works on its audio, so that packets can't be passed on as they are. */
static inline bool mp_stream_needs_frames(const struct mp_stream *s)
{
	return s->snoop || mp_stream_is_tapped(s) || s->effects_in || s->effects_out || s->has_jitter;
}

static inline bool mp_stream_is_muted_in(const struct mp_stream *s)
{
	return s->mute_in || (s->drop_in & MP_DROP_VOICE);
}

static inline bool mp_stream_is_muted_out(const struct mp_stream *s)
{
	return s->mute_out || (s->drop_out & MP_DROP_VOICE);
}

/* scans.c */
int mp_stream_scan(struct mp_stream *s, const struct mp_cmd *cmd);
void mp_scans_feed(struct mp_stream *s, const int16_t *pcm, size_t n, uint32_t rate);
void mp_scans_close(struct mp_stream *s);

/* snoop.c */
int mp_snoop_link(struct mp_stream *s, struct mp_stream *target, uint8_t spy, uint8_t whisper);
void mp_snoop_unlink(struct mp_snoop *sn);
int mp_snoop_tune(struct mp_stream *s, const struct mp_cmd *cmd);
bool mp_snoop_is_idle(const struct mp_snoop *sn);
void mp_snoop_retune(struct mp_stream *target);
bool mp_snoop_taps(const struct mp_stream *s, enum mp_tap tap);
bool mp_snoop_tap(struct mp_stream *target, enum mp_tap tap, int16_t *pcm, size_t n);
void mp_snoop_hear(struct mp_snoop *sn, const int16_t *pcm, size_t n);
size_t mp_snoop_say(const struct mp_snoop *sn, int16_t *pcm, size_t n);
void mp_snoop_begin_tick(struct mp_worker *w);
void mp_snoop_end_tick(struct mp_worker *w);

/* background.c */
int mp_background_set(struct mp_stream *s, enum mp_background kind, const char *value);
void mp_background_tick(struct mp_stream *s);
void mp_background_adopt(struct mp_worker *w, struct mp_stream *s);

/* rtp_in.c, strict.c */
void mp_rtp_peer_ready(struct mp_watch *watch, struct mp_worker *w);
void mp_rtp_ready(struct mp_watch *watch, struct mp_worker *w);
void mp_rtcp_ready(struct mp_watch *watch, struct mp_worker *w);
void mp_stream_input(struct mp_stream *s, struct mp_packet *p);
bool mp_filter_accepts(struct mp_source_filter *f, enum mp_strict strict, unsigned probation,
                       const struct mp_addr *signalled, const struct mp_addr *from, uint16_t seq);

/* rtp_out.c */
void mp_stream_relay(struct mp_stream *s, const struct mp_stream *from, struct mp_packet *p);
bool mp_packet_transcode(struct mp_packet *p, enum mp_codec_id to, uint8_t *payload, size_t room);
void mp_stream_send_frame(struct mp_stream *s, const int16_t *pcm, size_t n);
void mp_stream_send_encoded(struct mp_stream *s, const uint8_t *payload, size_t len, size_t n);
bool mp_stream_takes_events(const struct mp_stream *s);
void mp_stream_send_event(struct mp_stream *s, const struct mp_rtp_event *event, bool first);

/* socket.c */
struct mp_socket *mp_socket_new(struct mp_stream *owner);
void mp_socket_free(struct mp_socket *k);
int mp_socket_connect(struct mp_socket *k, const struct mp_cmd *cmd);
void mp_socket_attach(struct mp_worker *w, struct mp_socket *k);
void mp_socket_detach(struct mp_worker *w, struct mp_socket *k);
void mp_socket_close(struct mp_socket *k);
bool mp_socket_is_sending(const struct mp_socket *k);
bool mp_socket_is_paced(const struct mp_socket *k); /* a frame comes with every tick, or none */
void mp_socket_send(struct mp_socket *k, const uint8_t *payload, size_t len);
void mp_socket_relay(struct mp_socket *k, struct mp_packet *p);
void mp_socket_send_digits(struct mp_socket *k, const char *digits);
void mp_sockets_tick(struct mp_worker *w);
void mp_socket_close_lingering(struct mp_worker *w);

/* rtcp_session.c */
void mp_rtcp_scan(struct mp_stream *s, uint64_t now_us);
void mp_rtcp_received(struct mp_stream *s, const uint8_t *buf, size_t len, const struct mp_addr *from);

/* dtmf_in.c, dtmf_out.c */
void mp_dtmf_received(struct mp_stream *s, struct mp_packet *p);
void mp_dtmf_scan(struct mp_stream *s, uint64_t now_us);
void mp_dtmf_inband(char digit, bool begin, uint32_t duration_ms, void *stream);
void mp_dtmf_forward(struct mp_stream *s, char digit, uint32_t duration_ms);
int mp_dtmf_send(struct mp_stream *s, const char *digits, const int64_t ms[4], uint64_t cookie);
bool mp_dtmf_tick(struct mp_stream *s);
bool mp_dtmf_is_sounding(const struct mp_stream *s);
void mp_dtmf_cancel(struct mp_stream *s);

/* pcm.c */
int mp_pcm_need(struct mp_stream *s);
void mp_pcm_close(struct mp_stream *s);
void mp_pcm_put(struct mp_stream *s, const struct mp_packet *p);
void mp_pcm_tick(struct mp_stream *s);

/* bridge.c, mixer.c */
int mp_bridge_add(struct mp_bridge *b, struct mp_stream *s, bool mute, enum mp_role role);
void mp_bridge_remove(struct mp_bridge *b, struct mp_stream *s);
void mp_bridge_update(struct mp_bridge *b);
void mp_bridge_close(struct mp_bridge *b);
void mp_bridge_free(struct mp_bridge *b);
void mp_bridge_attach(struct mp_worker *w, struct mp_bridge *b);
void mp_bridge_detach(struct mp_worker *w, struct mp_bridge *b);
bool mp_bridge_talks(const struct mp_bridge *b, const struct mp_stream *s);
bool mp_bridge_hears(const struct mp_bridge *b, const struct mp_stream *s);
void mp_mixer_tick(struct mp_bridge *b);

/* player.c */
void mp_player_start(struct mp_player *p, struct mp_stream *s, struct mp_bridge *b, uint32_t rate);
void mp_player_end(struct mp_player *p, enum mp_end reason, int error);
bool mp_player_read(struct mp_player *p, int16_t *pcm, size_t n);
void mp_player_restart(struct mp_player *p);
void mp_player_seek(struct mp_player *p, int64_t delta_ms);
void mp_player_set_rate(struct mp_player *p, uint32_t rate);
void mp_player_free(struct mp_player *p);

/* recorder.c */
void mp_recorder_start(struct mp_recorder *r, struct mp_worker *w, struct mp_stream *s, struct mp_bridge *b,
                       uint32_t rate);
void mp_recorder_feed(struct mp_recorder *r, const int16_t *pcm, size_t n, uint32_t rate);
void mp_recorder_finish(struct mp_recorder *r, enum mp_end reason);
void mp_recorder_poll(struct mp_recorder *r, struct mp_worker *w);
bool mp_recorder_beep(struct mp_recorder *r, int16_t *pcm, size_t n);
void mp_recorder_free(struct mp_recorder *r);

/* music.c */
int mp_music_define(struct mp_worker *w, const char *name, const uint8_t *paths, size_t len, bool random);
struct mp_music *mp_music_find(struct mp_worker *w, const char *name);
const int16_t *mp_music_frame(struct mp_worker *w, struct mp_music *m, uint32_t rate);
const uint8_t *mp_music_encoded(struct mp_worker *w, struct mp_music *m, enum mp_codec_id codec,
                                size_t *len);
void mp_music_close(struct mp_worker *w);

#endif
