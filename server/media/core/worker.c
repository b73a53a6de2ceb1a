/*
 * A worker: one thread with its epoll, its frame clock and its rings.
 *
 * What a pass costs. Arming a timer can cost more than a packet (in a virtual machine it leaves the guest),
 * so a pass arms none: a periodic timerfd drives frames and scans, and epoll waits without a timeout. All
 * that is ready is served in one pass. Napping to gather larger batches, and SCHED_FIFO, were measured and
 * cost twice the CPU of what they saved.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "core.h"

#define COMMAND_RING      4096
#define EVENT_RING        8192
#define MAX_READY         512
#define SCAN_US           200000 /* RTP timeouts, RTCP */
#define SCAN_DIGITS_US    20000  /* while a digit waits for its end */
#define OVERFLOW_RETRY_MS 1
#define MAX_OVERFLOW      65536 /* events that wait for room; digits beyond are dropped */
#define LATE_US           2000  /* a tick that begins later than this is late */
#define NICE              (-11) /* where allowed: above what may wait */

static void on_wake(struct mp_watch *watch, struct mp_worker *w)
{
	uint64_t ignored;

	if (read(watch->fd, &ignored, sizeof(ignored)) < 0 && errno != EAGAIN)
		return;
	/* cleared before the ring is read: who finds it set has pushed before this */
	atomic_exchange(&w->wake_pending, false);
	w->has_commands = true;
}

static void on_timer(struct mp_watch *watch, struct mp_worker *w)
{
	uint64_t expired;

	(void)w; /* the deadlines themselves say what is due */
	if (read(watch->fd, &expired, sizeof(expired)) < 0)
		return;
}

int mp_worker_open(struct mp_worker *w, struct mp_engine *e, unsigned index)
{
	int err;

	w->engine = e;
	w->index = index;
	w->wake.ready = on_wake;
	w->timer.ready = on_timer;
	mp_link_init(&w->streams);
	mp_link_init(&w->in_list);
	mp_link_init(&w->out_list);
	mp_link_init(&w->mixing);
	mp_link_init(&w->recorders);
	mp_link_init(&w->music);
	mp_link_init(&w->snoops);
	mp_link_init(&w->sockets);
	mp_link_init(&w->lingering);
	pthread_mutex_init(&w->mtx, NULL);
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	w->wake.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	w->timer.fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (w->epoll < 0 || w->wake.fd < 0 || w->timer.fd < 0)
		return errno;
	err = mp_ring_open(&w->commands, sizeof(struct mp_cmd), COMMAND_RING);
	if (!err)
		err = mp_ring_open(&w->events, sizeof(struct mp_event), EVENT_RING);
	if (!err)
		err = mp_worker_watch(w, &w->wake);
	if (!err)
		err = mp_worker_watch(w, &w->timer);
	return err;
}

void mp_worker_close(struct mp_worker *w)
{
	struct mp_cmd *cmd;

	if (!w->engine)
		return;
	while (w->commands.slots && (cmd = mp_ring_peek(&w->commands)) != NULL) {
		mp_cmd_free(cmd);
		mp_ring_advance(&w->commands);
	}
	while (w->inbox) { /* groups that were on their way when all stopped */
		struct mp_inbox_item *item = w->inbox;

		w->inbox = item->next;
		free(item);
	}
	mp_music_close(w);
	mp_ring_close(&w->commands);
	mp_ring_close(&w->events);
	free(w->overflow);
	if (w->wake.fd >= 0)
		close(w->wake.fd);
	if (w->timer.fd >= 0)
		close(w->timer.fd);
	if (w->epoll >= 0)
		close(w->epoll);
	pthread_mutex_destroy(&w->mtx);
}

void mp_worker_wake(struct mp_worker *w)
{
	const uint64_t one = 1;

	if (!atomic_exchange(&w->wake_pending, true) && write(w->wake.fd, &one, sizeof(one)) < 0)
		atomic_store(&w->wake_pending, false);
}

int mp_worker_watch(struct mp_worker *w, struct mp_watch *watch)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = watch};

	return epoll_ctl(w->epoll, EPOLL_CTL_ADD, watch->fd, &event) ? errno : 0;
}

void mp_worker_unwatch(struct mp_worker *w, struct mp_watch *watch)
{
	(void)epoll_ctl(w->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
}

/* -- events -------------------------------------------------------------------------------------- */

static const bool IS_HINT[] = {
#define MP_EVENT(name, values, hint) hint,
#include "event.def"
#undef MP_EVENT
};

static void keep_event(struct mp_worker *w, const struct mp_event *event)
{
	const bool is_digit = event->type == MP_EVENT_DTMF_BEGIN || event->type == MP_EVENT_DTMF_END;

	if (is_digit && w->overflow_count >= MAX_OVERFLOW) {
		MP_COUNT(w, dtmf_dropped);
		return;
	}
	if (w->overflow_count == w->overflow_room) {
		const size_t room = w->overflow_room ? w->overflow_room * 2 : 256;
		struct mp_event *bigger = realloc(w->overflow, room * sizeof(*bigger));

		if (!bigger) {
			MP_COUNT(w, no_memory);
			return;
		}
		w->overflow = bigger;
		w->overflow_room = room;
	}
	w->overflow[w->overflow_count++] = *event;
	MP_COUNT(w, events_delayed);
}

/*
 * Staged only: the control thread may free an object as soon as it sees that it has ended, and the rest of
 * this pass may still look at it.
 */
void mp_worker_emit(struct mp_worker *w, enum mp_event_type type, uint64_t handle, int64_t a, int64_t b,
                    int64_t c, int64_t d, int64_t e)
{
	const struct mp_event event = {.type = (uint16_t)type, .handle = handle, .i = {a, b, c, d, e}};

	if (IS_HINT[type] && (w->overflow_count || mp_ring_room(&w->events) < EVENT_RING / 4)) {
		MP_COUNT(w, hints_dropped);
		return;
	}
	if (w->overflow_count || mp_ring_stage(&w->events, &event))
		keep_event(w, &event);
	w->events_pushed = true;
}

/* At the end of a pass: show the control thread what happened. */
static void flush_events(struct mp_worker *w)
{
	const uint64_t one = 1;
	size_t moved = 0;

	while (moved < w->overflow_count && !mp_ring_stage(&w->events, &w->overflow[moved]))
		moved++;
	if (moved) {
		w->overflow_count -= moved;
		memmove(w->overflow, w->overflow + moved, w->overflow_count * sizeof(*w->overflow));
		w->events_pushed = true;
	}
	if (!w->events_pushed)
		return;
	w->events_pushed = false;
	mp_ring_publish(&w->events);
	if (!atomic_exchange(&w->engine->event_pending, true) &&
	    write(w->engine->event_fd, &one, sizeof(one)) < 0)
		atomic_store(&w->engine->event_pending, false);
}

/* -- time ---------------------------------------------------------------------------------------- */

void mp_worker_need_tick(struct mp_worker *w)
{
	if (w->next_tick_us)
		return;
	w->next_tick_us = w->now_us + MP_TICK_US;
	w->clock = MP_CLOCK_OFF; /* its phase is new: arm it again */
}

static bool needs_tick(const struct mp_worker *w)
{
	return mp_link_is_in(&w->in_list) || mp_link_is_in(&w->out_list) || mp_link_is_in(&w->mixing) ||
	       mp_link_is_in(&w->recorders) || mp_link_is_in(&w->snoops) || mp_link_is_in(&w->sockets) ||
	       mp_link_is_in(&w->lingering);
}

/* One frame for everybody: first all audio comes in, then mixes are made, then everything goes out. */
static void tick(struct mp_worker *w)
{
	w->tick++;
	MP_COUNT(w, ticks);
	mp_snoop_begin_tick(w);
	mp_sockets_tick(w);
	MP_EACH(&w->in_list, at, after)
	mp_pcm_tick(MP_ENTRY(at, struct mp_stream, in_link));
	MP_EACH(&w->mixing, at, after)
	mp_mixer_tick(MP_ENTRY(at, struct mp_bridge, mix_link));
	MP_EACH(&w->out_list, at, after)
	mp_stream_tick_out(MP_ENTRY(at, struct mp_stream, out_link));
	mp_snoop_end_tick(w);
	MP_EACH(&w->recorders, at, after)
	mp_recorder_poll(MP_ENTRY(at, struct mp_recorder, working), w);
}

static void run_ticks(struct mp_worker *w)
{
	const uint64_t late = w->now_us - w->next_tick_us;

	if (late > LATE_US)
		MP_COUNT(w, late_ticks);
	if (late > 5 * MP_TICK_US) { /* the machine slept: catching up would only make a burst */
		mp_add(&w->counters.missed_ticks, late / MP_TICK_US);
		w->next_tick_us += late / MP_TICK_US * MP_TICK_US;
	}
	tick(w);
	w->next_tick_us += MP_TICK_US;
	if (!needs_tick(w))
		w->next_tick_us = 0;
}

static void scan(struct mp_worker *w)
{
	w->next_scan_us = w->now_us + (w->open_digits ? SCAN_DIGITS_US : SCAN_US);
	MP_EACH(&w->streams, at, after)
	{
		struct mp_stream *s = MP_ENTRY(at, struct mp_stream, all);

		if (s->dtmf_in.digit)
			mp_dtmf_scan(s, w->now_us);
		if (s->rtp)
			mp_rtcp_scan(s, w->now_us);
	}
}

/* Arm the timer when what it is needed for has changed. */
static void update_clock(struct mp_worker *w)
{
	enum mp_clock wanted = MP_CLOCK_OFF;
	struct itimerspec spec = {0};
	uint64_t first_us = w->next_scan_us, period_us = SCAN_US;

	if (w->next_tick_us || w->open_digits)
		wanted = MP_CLOCK_FRAMES;
	else if (mp_link_is_in(&w->streams))
		wanted = MP_CLOCK_SCANS;
	if (wanted == w->clock)
		return;
	w->clock = wanted;
	if (wanted == MP_CLOCK_FRAMES) {
		first_us = w->next_tick_us ? w->next_tick_us : w->now_us + MP_TICK_US;
		period_us = MP_TICK_US;
	}
	if (wanted != MP_CLOCK_OFF) {
		spec.it_value.tv_sec = (time_t)(first_us / 1000000);
		spec.it_value.tv_nsec = (long)(first_us % 1000000) * 1000;
		spec.it_interval.tv_nsec = (long)period_us * 1000;
	}
	(void)timerfd_settime(w->timer.fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

/* -- the loop ------------------------------------------------------------------------------------ */

static void run_pass(struct mp_worker *w)
{
	struct epoll_event ready[MAX_READY];
	const int count =
	        epoll_wait(w->epoll, ready, MAX_READY, w->overflow_count ? OVERFLOW_RETRY_MS : -1);

	w->now_us = mp_now_us();
	MP_COUNT(w, wakeups);
	for (int i = 0; i < count; i++) {
		struct mp_watch *watch = ready[i].data.ptr;

		watch->ready(watch, w);
	}
	/* after the packets: a command may close what the rest of `ready` points to */
	if (w->has_commands)
		w->has_commands = !mp_commands_run(w);
	if (w->next_tick_us && w->now_us >= w->next_tick_us)
		run_ticks(w);
	if (w->now_us >= w->next_scan_us)
		scan(w);
	update_clock(w);
	flush_events(w);
}

/* End everything, then wait for the recordings to be complete. */
static void wind_up(struct mp_worker *w)
{
	const uint64_t by = atomic_load(&w->stop_by_us);

	(void)mp_commands_run(w);
	MP_EACH(&w->streams, at, after)
	mp_stream_close(MP_ENTRY(at, struct mp_stream, all));
	while (mp_link_is_in(&w->recorders) && mp_now_us() < by) {
		const struct timespec ms = {.tv_nsec = 1000000};

		MP_EACH(&w->recorders, at, after)
		{
			struct mp_recorder *r = MP_ENTRY(at, struct mp_recorder, working);

			mp_recorder_finish(r, MP_END_CLOSED);
			mp_recorder_poll(r, w);
		}
		nanosleep(&ms, NULL);
	}
	mp_socket_close_lingering(w);
	flush_events(w);
}

static void *run(void *arg)
{
	struct mp_worker *w = arg;
	char name[16];

	snprintf(name, sizeof(name), "media-%u", w->index);
	prctl(PR_SET_NAME, name);
	if (w->engine->conf.realtime)
		(void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
	w->now_us = w->next_scan_us = mp_now_us();
	while (!atomic_load(&w->stopping))
		run_pass(w);
	wind_up(w);
	return NULL;
}

int mp_worker_start(struct mp_worker *w)
{
	const int err = pthread_create(&w->thread, NULL, run, w);

	w->has_thread = !err;
	return err;
}

void mp_worker_join(struct mp_worker *w)
{
	if (w->has_thread)
		pthread_join(w->thread, NULL);
	w->has_thread = false;
}
