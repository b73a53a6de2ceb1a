/* Commands on the control thread: checked, routed to the worker that has the object, pushed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"

#define LAZY_ROOM 1024 /* free slots of the command ring below which nothing waits */

enum { KIND_ENGINE = MP_KIND_RECORDER + 1, KIND_ANY };
enum { KIND_STREAM = MP_KIND_STREAM, KIND_BRIDGE = MP_KIND_BRIDGE };
enum { KIND_PLAYER = MP_KIND_PLAYER, KIND_RECORDER = MP_KIND_RECORDER };

static const struct {
	int kind;
	const char *args;
} COMMANDS[] = {
#define MP_CMD(name, kind, args) {KIND_##kind, args},
#include "cmd.def"
#undef MP_CMD
};

const char *mp_cmd_args(unsigned op)
{
	return op < MP_CMD_COUNT ? COMMANDS[op].args : NULL;
}

void mp_cmd_free(struct mp_cmd *cmd)
{
	for (size_t i = 0; i < MP_CMD_TEXTS; i++) {
		free(cmd->text[i]);
		cmd->text[i] = NULL;
	}
	free(cmd->bytes);
	cmd->bytes = NULL;
}

/* What is only opened does nothing yet: whatever is asked of it next wakes the worker anyway. */
static bool can_wait(unsigned op)
{
	return op == MP_CMD_STREAM_OPEN || op == MP_CMD_BRIDGE_OPEN;
}

static int push(struct mp_worker *w, const struct mp_cmd *cmd)
{
	const int err = mp_ring_push(&w->commands, cmd);

	if (!err && (!can_wait(cmd->op) || mp_ring_room(&w->commands) < LAZY_ROOM))
		w->needs_wake = true;
	return err;
}

/* A command for every worker: each gets its own copy of what it owns. */
static int submit_to_all(struct mp_engine *e, struct mp_cmd *cmd)
{
	for (unsigned i = 0; i < e->conf.workers; i++) {
		if (!mp_ring_room(&e->workers[i].commands))
			return EAGAIN;
	}
	for (unsigned i = 0; i < e->conf.workers; i++) {
		struct mp_cmd copy = *cmd;

		copy.text[0] = strdup(cmd->text[0]);
		copy.bytes = malloc(cmd->bytes_len + 1);
		if (!copy.text[0] || !copy.bytes) {
			mp_cmd_free(&copy);
			return ENOMEM;
		}
		memcpy(copy.bytes, cmd->bytes, cmd->bytes_len);
		(void)push(&e->workers[i], &copy); /* there was room */
	}
	mp_cmd_free(cmd);
	return 0;
}

/* From here on the group's commands go to the new worker. */
static void reroute(struct mp_engine *e, const struct mp_cmd *cmd, unsigned target)
{
	for (size_t at = 0; at + sizeof(uint64_t) <= cmd->bytes_len; at += sizeof(uint64_t)) {
		struct mp_slot *member;
		uint64_t handle;

		memcpy(&handle, cmd->bytes + at, sizeof(handle));
		member = mp_handle_slot(e, handle);
		if (member)
			member->worker = (uint8_t)target;
	}
}

static int submit_move(struct mp_engine *e, struct mp_cmd *cmd, struct mp_slot *slot)
{
	struct mp_worker *w = &e->workers[slot->worker];

	if (cmd->i[0] < 0 || cmd->i[0] >= (int64_t)e->conf.workers)
		return EINVAL;
	if (!mp_ring_room(&w->commands))
		return EAGAIN;
	reroute(e, cmd, (unsigned)cmd->i[0]); /* before the push: then the worker owns the command */
	return push(w, cmd);
}

static bool is_kind(const struct mp_slot *slot, int kind)
{
	return slot && !slot->closing &&
	       ((int)slot->object->kind == kind ||
	        (kind == KIND_ANY && slot->object->kind <= MP_KIND_BRIDGE));
}

/* The kind that the second object of a command must have. */
static enum mp_kind other_kind(unsigned op)
{
	switch (op) {
	case MP_CMD_STREAM_PLAY:
	case MP_CMD_BRIDGE_PLAY:
		return MP_KIND_PLAYER;
	case MP_CMD_STREAM_RECORD:
	case MP_CMD_BRIDGE_RECORD:
		return MP_KIND_RECORDER;
	default:
		return MP_KIND_STREAM;
	}
}

int mp_engine_submit(struct mp_engine *e, struct mp_cmd *cmd)
{
	struct mp_slot *slot, *parent, *other = NULL;
	int err;

	if (cmd->op >= MP_CMD_COUNT || e->stopped)
		return ESTALE;
	if (COMMANDS[cmd->op].kind == KIND_ENGINE)
		return submit_to_all(e, cmd);
	slot = mp_handle_slot(e, cmd->handle);
	if (!is_kind(slot, COMMANDS[cmd->op].kind))
		return ESTALE;
	cmd->object = slot->object;
	if (cmd->op == MP_CMD_MOVE)
		return submit_move(e, cmd, slot);
	parent = slot;
	if (slot->object->kind >= MP_KIND_PLAYER) { /* it is where its stream or bridge is */
		parent = mp_handle_slot(e, slot->parent);
		if (!parent || parent->closing)
			return ESTALE;
		cmd->second = parent->object;
	} else if (cmd->other) {
		other = mp_handle_slot(e, cmd->other);
		if (!is_kind(other, (int)other_kind(cmd->op)))
			return ESTALE;
		cmd->second = other->object;
	}
	err = push(&e->workers[parent->worker], cmd);
	if (err)
		return err;
	if (other && other->object->kind >= MP_KIND_PLAYER)
		other->parent = cmd->handle;
	if (cmd->op == MP_CMD_STREAM_CLOSE || cmd->op == MP_CMD_BRIDGE_CLOSE)
		slot->closing = true;
	return 0;
}

void mp_engine_flush(struct mp_engine *e)
{
	for (unsigned i = 0; i < e->conf.workers; i++) {
		if (e->workers[i].needs_wake)
			mp_worker_wake(&e->workers[i]);
		e->workers[i].needs_wake = false;
	}
	mp_grave_sweep(e, false);
}
