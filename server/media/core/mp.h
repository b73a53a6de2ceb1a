/*
 * The media engine's public header: what the Python binding, the C tests and the fuzzers may use.
 *
 * Threads. The functions below belong to one thread, the "control thread" (Python's loop), unless noted.
 * It owns the slot map; workers own what lives in the objects. A command carries a pointer to its object
 * into the worker's ring; an object's memory is freed by the control thread, when it drains the event
 * that says that the worker has let go of it. So no lock and no reference count is needed.
 *
 * Returns are 0 or an errno; outputs come first and are NULL or 0 on failure.
 */
#ifndef MP_H
#define MP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct mp_engine;

/* An IPv4 or IPv6 socket address. */
struct mp_addr {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} u;
	socklen_t len; /* 0: none */
};

/* Parse an address literal. Returns 0 or EINVAL. Any thread. */
int mp_addr_parse(struct mp_addr *addr, const char *host, uint16_t port);

/* Compare address and port. Any thread. */
bool mp_addr_equal(const struct mp_addr *a, const struct mp_addr *b);

enum mp_kind { MP_KIND_NONE, MP_KIND_STREAM, MP_KIND_BRIDGE, MP_KIND_PLAYER, MP_KIND_RECORDER };

enum mp_cmd_op {
#define MP_CMD(name, kind, args) MP_CMD_##name,
#include "cmd.def"
#undef MP_CMD
	MP_CMD_COUNT
};

enum mp_event_type {
#define MP_EVENT(name, values, hint) MP_EVENT_##name,
#include "event.def"
#undef MP_EVENT
	MP_EVENT_COUNT
};

enum mp_strict { MP_STRICT_NO, MP_STRICT_YES, MP_STRICT_SEQNO };
enum mp_background {
	MP_BACKGROUND_NONE,
	MP_BACKGROUND_SILENCE,
	MP_BACKGROUND_MUSIC,
	MP_BACKGROUND_TONE,
	MP_BACKGROUND_ECHO, /* what the stream says itself, unless it is in a bridge */
};
enum mp_direction { MP_DIRECTION_SEND = 1, MP_DIRECTION_RECEIVE = 2 };
enum mp_tap { MP_TAP_IN = 1, MP_TAP_OUT = 2 }; /* what a stream says, what it hears */
enum mp_drop { MP_DROP_VOICE = 1, MP_DROP_DTMF = 2 };

/* Media on a TCP connection: what is spoken there, and who we are. */
/* RAW: samples and nothing else, one way, to a script */
enum mp_socket_protocol { MP_SOCKET_AUDIOSOCKET, MP_SOCKET_WS_SERVER, MP_SOCKET_WS_CLIENT, MP_SOCKET_RAW };
enum mp_socket_flags {
	MP_SOCKET_JSON = 1,        /* control texts are JSON */
	MP_SOCKET_PASSTHROUGH = 2, /* the peer paces its audio */
	MP_SOCKET_NO_INPUT = 4,    /* the peer only listens */
	MP_SOCKET_NO_OUTPUT = 8,   /* the peer only talks */
};
enum mp_socket_news {
	MP_SOCKET_ANSWERED, /* by the peer's command */
	/* the connection is over: */
	MP_SOCKET_HUNG_UP, /* by the peer's command */
	MP_SOCKET_CLOSED,  /* the peer said goodbye */
	MP_SOCKET_REFUSED, /* the peer sent what we don't take */
	MP_SOCKET_FAILED,
};
enum mp_role { MP_ROLE_PARTICIPANT, MP_ROLE_ANNOUNCER, MP_ROLE_LISTENER };
enum mp_item_kind { MP_ITEM_FILE, MP_ITEM_TONE, MP_ITEM_SILENCE };
enum mp_end {
	MP_END_FINISHED,
	MP_END_STOPPED,
	MP_END_FAILED,
	MP_END_MAX_DURATION,
	MP_END_SILENCE,
	MP_END_CLOSED
};

#define MP_CMD_INTS    12
#define MP_CMD_TEXTS   3
#define MP_EVENT_INTS  5
#define MP_MAX_WORKERS 64

struct mp_object;

struct mp_cmd {
	uint16_t op;              /* enum mp_cmd_op */
	uint64_t cookie;          /* not 0: completion is reported by EVENT_COMPLETED */
	uint64_t handle;          /* of the object */
	uint64_t other;           /* handle of the second object, 0: none */
	struct mp_object *object; /* set by mp_engine_submit */
	struct mp_object *second; /* set by mp_engine_submit */
	int64_t i[MP_CMD_INTS];
	char *text[MP_CMD_TEXTS]; /* NUL-terminated, owned by the command */
	uint8_t *bytes;           /* owned by the command */
	size_t bytes_len;
};

struct mp_event {
	uint16_t type; /* enum mp_event_type */
	uint64_t handle;
	int64_t i[MP_EVENT_INTS];
};

/* How a command's arguments are made up: cmd.def's strings. NULL for an unknown op. */
const char *mp_cmd_args(unsigned op);

/* How many integers an event of this type has. */
unsigned mp_event_values(unsigned type);

/* Free what a command owns. */
void mp_cmd_free(struct mp_cmd *cmd);

struct mp_engine_conf {
	uint16_t rtp_start, rtp_end; /* ports; pairs of an even and the next odd one */
	unsigned workers;            /* 1 to MP_MAX_WORKERS */
	enum mp_strict strict;
	unsigned probation;       /* packets in sequence that make a source believed */
	unsigned dtmf_timeout_ms; /* ends a digit whose end packets were lost */
	unsigned rtcp_interval_ms;
	bool rtp_checksums;
	bool realtime; /* a higher priority for the workers, where allowed */
};

/* Create an engine without threads. Returns 0, EINVAL, ENOMEM or the errno of eventfd. */
int mp_engine_open(struct mp_engine **ep, const struct mp_engine_conf *conf);

/* Start the workers; raises RLIMIT_NOFILE to its hard limit. Returns 0 or an errno. */
int mp_engine_start(struct mp_engine *e);

/*
 * End everything and join the workers: players and recorders end, recordings reach the disk for at most
 * timeout_ms. Events can still be drained. May be called by another thread while the control thread
 * does not use the engine.
 */
void mp_engine_stop(struct mp_engine *e, unsigned timeout_ms);

/* Free everything; stops if need be. NULL is allowed. */
void mp_engine_close(struct mp_engine *e);

/* Readable when there are events. */
int mp_engine_fd(const struct mp_engine *e);

/* A player's item. */
struct mp_item {
	enum mp_item_kind kind;
	const char *text; /* path or tone list; copied */
	uint32_t ms;      /* of a tone (0: its own length) or silence */
};

/* Objects are made here and reach a worker with their first command. Returns: 0, ENOMEM, EMFILE,
 * EADDRINUSE (no free port pair), EINVAL, EBADMSG (tone list) … */
int mp_engine_open_rtp(uint64_t *handle, uint16_t *port, struct mp_engine *e, const char *host, int tos);
int mp_engine_open_pair(uint64_t handle[2], struct mp_engine *e);
int mp_engine_open_null(uint64_t *handle, struct mp_engine *e);
/* A snoop stream on the worker of its target; STREAM_SNOOP then ties them. ESTALE: no such stream. */
int mp_engine_open_snoop(uint64_t *handle, struct mp_engine *e, uint64_t target);
int mp_engine_open_socket(uint64_t *handle, struct mp_engine *e, const char *codec);
int mp_engine_create_bridge(uint64_t *handle, struct mp_engine *e);
int mp_engine_create_player(uint64_t *handle, struct mp_engine *e, const struct mp_item *items,
                            size_t count, uint64_t offset_ms);
struct mp_recorder_conf {
	const char *path;
	const char *format;
	unsigned flags;                           /* enum mp_file_flags */
	uint32_t max_duration_ms, max_silence_ms; /* 0: no limit */
	bool beep;
};
int mp_engine_create_recorder(uint64_t *handle, struct mp_engine *e, const struct mp_recorder_conf *conf);

/* Free a player or recorder that never reached a worker. */
void mp_engine_release(struct mp_engine *e, uint64_t handle);

/* Index of the worker that has an object, -1 if the handle is stale. */
int mp_engine_worker_of(const struct mp_engine *e, uint64_t handle);

/*
 * Hand a command to the worker that has its object. On success the command's memory is the worker's.
 * Returns 0, ESTALE (a handle is stale or of the wrong kind), EAGAIN (ring full: try again later).
 */
int mp_engine_submit(struct mp_engine *e, struct mp_cmd *cmd);

/* Wake the workers that were given commands since the last call. */
void mp_engine_flush(struct mp_engine *e);

/* Take up to `max` events. Objects whose end they report are freed. Returns how many. */
size_t mp_engine_drain(struct mp_engine *e, struct mp_event *out, size_t max);

struct mp_series {
	double last, min, max, mean, deviation;
};

struct mp_stream_stats {
	uint64_t rx_packets, rx_octets, rx_lost;
	uint64_t tx_packets, tx_octets, tx_lost;
	uint32_t local_ssrc, remote_ssrc;
	struct mp_series jitter, remote_jitter; /* s */
	struct mp_series loss, remote_loss;     /* packets per report */
	struct mp_series rtt;                   /* s */
	double mos, remote_mos;
};

/* A snapshot; values may be of slightly different moments. Returns 0 or ESTALE. */
int mp_engine_stream_stats(struct mp_stream_stats *out, const struct mp_engine *e, uint64_t handle);

/* Call `h` with the name and value of every counter. */
typedef void(mp_counter_h)(const char *name, uint64_t value, void *arg);
void mp_engine_counters(struct mp_engine *e, mp_counter_h *h, void *arg);

#endif
