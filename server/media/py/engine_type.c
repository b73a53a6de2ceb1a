/* The type _media.Engine. The GIL is released only where threads are started, joined or freed. */
#include <errno.h>

#include "binding.h"

#define DRAIN_MAX 512

typedef struct {
	PyObject_HEAD struct mp_engine *engine; /* NULL once closed */
} EngineObject;

static struct mp_engine *engine_of(PyObject *self)
{
	struct mp_engine *e = ((EngineObject *)self)->engine;

	if (!e)
		PyErr_SetString(PyExc_RuntimeError, "the engine is closed");
	return e;
}

static PyObject *engine_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
	unsigned start, end, workers, strict, probation, dtmf_timeout, rtcp_interval;
	int checksums, realtime, err;
	struct mp_engine_conf conf;
	EngineObject *self;

	(void)kwargs;
	if (!PyArg_ParseTuple(args, "IIIIIIIpp", &start, &end, &workers, &strict, &probation, &dtmf_timeout,
	                      &rtcp_interval, &checksums, &realtime))
		return NULL;
	if (start > UINT16_MAX || end > UINT16_MAX || strict > MP_STRICT_SEQNO)
		return raise_errno(EINVAL);
	conf = (struct mp_engine_conf){.rtp_start = (uint16_t)start,
	                               .rtp_end = (uint16_t)end,
	                               .workers = workers,
	                               .strict = (enum mp_strict)strict,
	                               .probation = probation,
	                               .dtmf_timeout_ms = dtmf_timeout,
	                               .rtcp_interval_ms = rtcp_interval,
	                               .rtp_checksums = checksums,
	                               .realtime = realtime};
	self = (EngineObject *)((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
	if (!self)
		return NULL;
	err = mp_engine_open(&self->engine, &conf);
	if (err) {
		Py_DECREF(self);
		return raise_errno(err);
	}
	return (PyObject *)self;
}

static void close_engine(EngineObject *self)
{
	struct mp_engine *e = self->engine;

	self->engine = NULL;
	Py_BEGIN_ALLOW_THREADS mp_engine_close(e);
	Py_END_ALLOW_THREADS
}

static void engine_dealloc(PyObject *self)
{
	PyTypeObject *type = Py_TYPE(self);

	close_engine((EngineObject *)self);
	((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
	Py_DECREF(type);
}

static PyObject *engine_start(PyObject *self, PyObject *ignored)
{
	struct mp_engine *e = engine_of(self);
	int err;

	(void)ignored;
	if (!e)
		return NULL;
	Py_BEGIN_ALLOW_THREADS err = mp_engine_start(e);
	Py_END_ALLOW_THREADS if (err) return raise_errno(err);
	Py_RETURN_NONE;
}

static PyObject *engine_stop(PyObject *self, PyObject *arg)
{
	struct mp_engine *e = engine_of(self);
	const unsigned long timeout_ms = PyLong_AsUnsignedLong(arg);

	if (!e || PyErr_Occurred())
		return NULL;
	Py_BEGIN_ALLOW_THREADS mp_engine_stop(e, (unsigned)timeout_ms);
	Py_END_ALLOW_THREADS Py_RETURN_NONE;
}

static PyObject *engine_close(PyObject *self, PyObject *ignored)
{
	(void)ignored;
	close_engine((EngineObject *)self);
	Py_RETURN_NONE;
}

static PyObject *engine_fileno(PyObject *self, PyObject *ignored)
{
	const struct mp_engine *e = engine_of(self);

	(void)ignored;
	return e ? PyLong_FromLong(mp_engine_fd(e)) : NULL;
}

static PyObject *engine_open_rtp(PyObject *self, PyObject *args)
{
	struct mp_engine *e = engine_of(self);
	const char *host;
	uint64_t handle;
	uint16_t port;
	int tos, err;

	if (!e || !PyArg_ParseTuple(args, "si", &host, &tos))
		return NULL;
	err = mp_engine_open_rtp(&handle, &port, e, host, tos);
	return err ? raise_errno(err) : Py_BuildValue("Ki", (unsigned long long)handle, (int)port);
}

static PyObject *engine_open_pair(PyObject *self, PyObject *ignored)
{
	struct mp_engine *e = engine_of(self);
	uint64_t handle[2];
	int err;

	(void)ignored;
	if (!e)
		return NULL;
	err = mp_engine_open_pair(handle, e);
	return err ? raise_errno(err)
	           : Py_BuildValue("KK", (unsigned long long)handle[0], (unsigned long long)handle[1]);
}

static PyObject *new_handle(PyObject *self, int (*create)(uint64_t *, struct mp_engine *))
{
	struct mp_engine *e = engine_of(self);
	uint64_t handle;
	int err;

	if (!e)
		return NULL;
	err = create(&handle, e);
	return err ? raise_errno(err) : PyLong_FromUnsignedLongLong(handle);
}

static PyObject *engine_open_null(PyObject *self, PyObject *ignored)
{
	(void)ignored;
	return new_handle(self, mp_engine_open_null);
}

static PyObject *engine_open_snoop(PyObject *self, PyObject *arg)
{
	struct mp_engine *e = engine_of(self);
	const unsigned long long target = PyLong_AsUnsignedLongLong(arg);
	uint64_t handle;
	int err;

	if (!e || PyErr_Occurred())
		return NULL;
	err = mp_engine_open_snoop(&handle, e, target);
	return err ? raise_errno(err) : PyLong_FromUnsignedLongLong(handle);
}

static PyObject *engine_open_socket(PyObject *self, PyObject *arg)
{
	struct mp_engine *e = engine_of(self);
	const char *codec = PyUnicode_AsUTF8AndSize(arg, NULL);
	uint64_t handle;
	int err;

	if (!e || !codec)
		return NULL;
	err = mp_engine_open_socket(&handle, e, codec);
	return err ? raise_errno(err) : PyLong_FromUnsignedLongLong(handle);
}

static PyObject *engine_create_bridge(PyObject *self, PyObject *ignored)
{
	(void)ignored;
	return new_handle(self, mp_engine_create_bridge);
}

/* Fill `items` from [(kind, text, ms), …]; texts are borrowed from the list. */
static int take_items(PyObject *list, struct mp_item *items, Py_ssize_t count)
{
	for (Py_ssize_t i = 0; i < count; i++) {
		PyObject *entry = PyList_GetItem(list, i);
		int kind;
		unsigned ms;

		if (!entry || !PyArg_ParseTuple(entry, "iyI", &kind, &items[i].text, &ms))
			return -1;
		if (kind < MP_ITEM_FILE || kind > MP_ITEM_SILENCE) {
			PyErr_SetString(PyExc_ValueError, "unknown kind of source");
			return -1;
		}
		items[i].kind = (enum mp_item_kind)kind;
		items[i].ms = ms;
	}
	return 0;
}

static PyObject *engine_create_player(PyObject *self, PyObject *args)
{
	struct mp_engine *e = engine_of(self);
	unsigned long long offset_ms;
	struct mp_item *items;
	PyObject *list, *result = NULL;
	uint64_t handle;
	Py_ssize_t count;
	int err;

	if (!e || !PyArg_ParseTuple(args, "OK", &list, &offset_ms))
		return NULL;
	count = PyList_Check(list) ? PyList_Size(list) : 0;
	if (count < 1)
		return raise_errno(EINVAL);
	items = calloc((size_t)count, sizeof(*items));
	if (!items)
		return PyErr_NoMemory();
	if (!take_items(list, items, count)) {
		err = mp_engine_create_player(&handle, e, items, (size_t)count, offset_ms);
		result = err ? raise_errno(err) : PyLong_FromUnsignedLongLong(handle);
	}
	free(items);
	return result;
}

static PyObject *engine_create_recorder(PyObject *self, PyObject *args)
{
	struct mp_engine *e = engine_of(self);
	struct mp_recorder_conf conf;
	unsigned max_duration, max_silence;
	uint64_t handle;
	int beep, err;

	if (!e || !PyArg_ParseTuple(args, "ysIIIp", &conf.path, &conf.format, &conf.flags, &max_duration,
	                            &max_silence, &beep))
		return NULL;
	conf.max_duration_ms = max_duration;
	conf.max_silence_ms = max_silence;
	conf.beep = beep != 0;
	err = mp_engine_create_recorder(&handle, e, &conf);
	return err ? raise_errno(err) : PyLong_FromUnsignedLongLong(handle);
}

static PyObject *engine_release(PyObject *self, PyObject *arg)
{
	struct mp_engine *e = engine_of(self);
	const unsigned long long handle = PyLong_AsUnsignedLongLong(arg);

	if (!e || PyErr_Occurred())
		return NULL;
	mp_engine_release(e, handle);
	Py_RETURN_NONE;
}

static PyObject *engine_worker_of(PyObject *self, PyObject *arg)
{
	struct mp_engine *e = engine_of(self);
	const unsigned long long handle = PyLong_AsUnsignedLongLong(arg);

	if (!e || PyErr_Occurred())
		return NULL;
	return PyLong_FromLong(mp_engine_worker_of(e, handle));
}

static int append_failure(PyObject *failures, Py_ssize_t index, int err)
{
	PyObject *entry = Py_BuildValue("ni", index, err);
	const int failed = !entry || PyList_Append(failures, entry);

	Py_XDECREF(entry);
	return failed ? -1 : 0;
}

/* Returns (how many were taken, [(index, errno) of those that could not be carried out]). */
static PyObject *engine_submit(PyObject *self, PyObject *list)
{
	struct mp_engine *e = engine_of(self);
	PyObject *failures = e && PyList_Check(list) ? PyList_New(0) : NULL;
	const Py_ssize_t count = failures ? PyList_Size(list) : 0;
	struct mp_cmd cmd;
	Py_ssize_t i;

	if (!failures)
		return e ? raise_errno(EINVAL) : NULL;
	for (i = 0; i < count; i++) {
		int err;

		if (convert_command(PyList_GetItem(list, i), &cmd))
			break;
		err = mp_engine_submit(e, &cmd);
		if (err)
			mp_cmd_free(&cmd);
		if (err == EAGAIN || (err && append_failure(failures, i, err)))
			break;
	}
	mp_engine_flush(e);
	if (PyErr_Occurred()) {
		Py_DECREF(failures);
		return NULL;
	}
	return Py_BuildValue("nN", i, failures);
}

static PyObject *engine_drain(PyObject *self, PyObject *arg)
{
	struct mp_engine *e = engine_of(self);
	const size_t limit = PyLong_AsSize_t(arg);
	struct mp_event events[DRAIN_MAX];
	PyObject *list;
	size_t count;

	if (!e || PyErr_Occurred())
		return NULL;
	count = mp_engine_drain(e, events, limit < DRAIN_MAX ? limit : DRAIN_MAX);
	list = PyList_New((Py_ssize_t)count);
	for (size_t i = 0; list && i < count; i++) {
		PyObject *event = convert_event(&events[i]);

		if (!event || PyList_SetItem(list, (Py_ssize_t)i, event)) {
			Py_DECREF(list);
			return NULL;
		}
	}
	return list;
}

static void add_counter(const char *name, uint64_t value, void *arg)
{
	PyObject *number = PyLong_FromUnsignedLongLong(value);

	if (number)
		(void)PyDict_SetItemString(arg, name, number);
	Py_XDECREF(number);
}

static PyObject *engine_counters(PyObject *self, PyObject *ignored)
{
	struct mp_engine *e = engine_of(self);
	PyObject *dict = e ? PyDict_New() : NULL;

	(void)ignored;
	if (!dict)
		return NULL;
	mp_engine_counters(e, add_counter, dict);
	if (PyErr_Occurred())
		Py_CLEAR(dict);
	return dict;
}

static PyObject *convert_series(const struct mp_series *s)
{
	return Py_BuildValue("ddddd", s->last, s->min, s->max, s->mean, s->deviation);
}

static PyObject *engine_stream_stats(PyObject *self, PyObject *arg)
{
	struct mp_engine *e = engine_of(self);
	const unsigned long long handle = PyLong_AsUnsignedLongLong(arg);
	struct mp_stream_stats st;

	if (!e || PyErr_Occurred())
		return NULL;
	if (mp_engine_stream_stats(&st, e, handle))
		Py_RETURN_NONE;
	return Py_BuildValue("(KKKKKKII)(NNNNN)(dd)", (unsigned long long)st.rx_packets,
	                     (unsigned long long)st.rx_octets, (unsigned long long)st.rx_lost,
	                     (unsigned long long)st.tx_packets, (unsigned long long)st.tx_octets,
	                     (unsigned long long)st.tx_lost, st.local_ssrc, st.remote_ssrc,
	                     convert_series(&st.jitter), convert_series(&st.remote_jitter),
	                     convert_series(&st.loss), convert_series(&st.remote_loss),
	                     convert_series(&st.rtt), st.mos, st.remote_mos);
}

static PyMethodDef methods[] = {
        {"start", engine_start, METH_NOARGS, "Start the workers."},
        {"stop", engine_stop, METH_O, "End everything and join the workers."},
        {"close", engine_close, METH_NOARGS, "Free everything."},
        {"fileno", engine_fileno, METH_NOARGS, "Readable when there are events."},
        {"open_rtp", engine_open_rtp, METH_VARARGS, "Bind a port pair: (handle, port)."},
        {"open_pair", engine_open_pair, METH_NOARGS, "Two streams that feed each other."},
        {"open_null", engine_open_null, METH_NOARGS, "A stream that swallows."},
        {"open_snoop", engine_open_snoop, METH_O, "A stream that listens to another."},
        {"open_socket", engine_open_socket, METH_O, "A stream for media on a TCP connection."},
        {"create_bridge", engine_create_bridge, METH_NOARGS, "An empty bridge."},
        {"create_player", engine_create_player, METH_VARARGS, "A player of [(kind, text, ms), …]."},
        {"create_recorder", engine_create_recorder, METH_VARARGS, "A recorder."},
        {"release", engine_release, METH_O, "Free a player or recorder that was never attached."},
        {"worker_of", engine_worker_of, METH_O, "Index of the worker that has an object."},
        {"submit", engine_submit, METH_O, "Carry commands to the workers."},
        {"drain", engine_drain, METH_O, "Take events."},
        {"counters", engine_counters, METH_NOARGS, "All counters by name."},
        {"stream_stats", engine_stream_stats, METH_O, "Statistics of a stream, None if it is gone."},
        {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
        {Py_tp_doc, "The native engine."},
        {Py_tp_new, engine_new},
        {Py_tp_dealloc, engine_dealloc},
        {Py_tp_methods, methods},
        {0, NULL},
};

static PyType_Spec spec = {
        .name = "server.media._media.Engine",
        .basicsize = sizeof(EngineObject),
        .flags = Py_TPFLAGS_DEFAULT,
        .slots = slots,
};

int engine_setup_type(PyObject *module)
{
	PyObject *type = PyType_FromModuleAndSpec(module, &spec, NULL);
	const int err = !type || PyModule_AddType(module, (PyTypeObject *)type);

	Py_XDECREF(type);
	return err ? -1 : 0;
}
