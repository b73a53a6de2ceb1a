/*
 * Private to the socket streams: media on a TCP connection that Python has opened (AudioSocket, WebSocket).
 *
 *	socket → socket.c → audiosocket.c or socket_ws.c (frames) → socket_play.c (queue; a frame per tick)
 *	       → mp_stream_input, as if it had come by RTP
 *
 * Nothing ever waits for the peer: what it does not read is kept up to a limit, then dropped and counted.
 */
#ifndef MP_SOCKET_H
#define MP_SOCKET_H

#include "control.h"
#include "core.h"
#include "playq.h"
#include "ws.h"

#define MP_SOCKET_XOFF 900  /* frames in the queue: the peer is told to stop */
#define MP_SOCKET_XON  800  /* ... and that it may go on */
#define MP_SOCKET_MAX  1000 /* a message that begins now is dropped */

/* Frames of a WebSocket that come in. */
struct mp_ws_in {
	uint8_t head[MP_WS_HEADER_MAX];
	size_t head_len;
	bool in_payload;
	struct mp_ws_header h;
	uint64_t done;   /* bytes of the payload so far */
	uint8_t message; /* opcode of the data message under way, 0: none */
	bool dropped;    /* the message found no room */
	uint8_t control[MP_WS_CONTROL_MAX];
	size_t control_len;
	char text[MP_CONTROL_MAX];
	size_t text_len; /* of the whole message, even beyond the room */
};

/* Frames of AudioSocket that come in: kind, length (big-endian), payload. */
struct mp_as_in {
	uint8_t head[3];
	size_t head_len;
	size_t left; /* of the payload */
	bool has_odd;
	uint8_t odd; /* first half of a sample */
	struct mp_resampler *resampler;
	uint32_t rate; /* that it converts from */
};

struct mp_socket {
	struct mp_stream *owner;

	/* set when the connection is handed over, then read-only */
	enum mp_socket_protocol protocol;
	bool is_json, passthrough;
	char *channel_id; /* as it is written in control texts */
	uint64_t ping_us; /* between pings, 0: none */
	unsigned ping_probes;

	/* owner worker */
	struct mp_link link;   /* worker's sockets, while connected */
	struct mp_watch watch; /* fd -1: not yet, or no longer, connected */
	bool takes, gives;     /* audio from the peer, to the peer */
	bool answered;
	int broken; /* errno of a failed write: the connection ends with the next tick */
	uint64_t next_ping_us;
	unsigned pings; /* not answered */
	/* what the peer has not read yet */
	uint8_t *out;
	size_t out_len;
	uint32_t rng; /* of masks */
	/* what waits to be played (socket_play.c) */
	struct mp_playq queue;
	bool buffering, paused, xoff, report_drained;
	uint16_t seq;
	uint32_t ts;
	unsigned window, least, most; /* ticks, and the queue's extremes in them */
	unsigned excess;              /* silent frames that may be left out */

	struct mp_ws_in ws;
	struct mp_as_in as;
};

/* socket.c */
void mp_socket_write(struct mp_socket *k, const uint8_t *data, size_t len, bool is_media);
void mp_socket_end(struct mp_socket *k, enum mp_socket_news why, enum mp_ws_status status, int error);

/* socket_play.c */
void mp_socket_queue(struct mp_socket *k, const uint8_t *audio, size_t len);
void mp_socket_message_end(struct mp_socket *k);
void mp_socket_play(struct mp_socket *k);
void mp_socket_flush(struct mp_socket *k);
void mp_socket_swap(const struct mp_stream *s, uint8_t *payload, size_t len);
size_t mp_socket_frame_size(const struct mp_stream *s);

/* socket_ws.c */
void mp_socket_ws_feed(struct mp_socket *k, uint8_t *data, size_t len);
void mp_socket_ws_send(struct mp_socket *k, enum mp_ws_opcode opcode, const uint8_t *data, size_t len);

/* socket_control.c */
void mp_socket_control(struct mp_socket *k, const char *text, size_t len);
void mp_socket_error(struct mp_socket *k, const char *what, const char *why);
void mp_socket_say_mark(struct mp_socket *k, const struct mp_playq_item *item);
void mp_socket_say_level(struct mp_socket *k);
void mp_socket_say_drained(struct mp_socket *k);
void mp_socket_say_digit(struct mp_socket *k, char digit);

/* audiosocket.c */
void mp_audiosocket_feed(struct mp_socket *k, const uint8_t *data, size_t len);
void mp_audiosocket_send(struct mp_socket *k, const uint8_t *payload, size_t len);
void mp_audiosocket_greet(struct mp_socket *k, const uint8_t uuid[16]);
void mp_audiosocket_send_digit(struct mp_socket *k, char digit);

#endif
