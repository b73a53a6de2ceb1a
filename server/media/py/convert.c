/* Between Python's tuples and the core's commands and events. */
#include <string.h>

#include "binding.h"

static int take_int(PyObject *value, int64_t *out)
{
	*out = PyLong_AsLongLong(value);
	return *out == -1 && PyErr_Occurred() ? -1 : 0;
}

static int take_handle(PyObject *value, uint64_t *out)
{
	*out = PyLong_AsUnsignedLongLong(value);
	return *out == (uint64_t)-1 && PyErr_Occurred() ? -1 : 0;
}

static int take_text(PyObject *value, char **out)
{
	Py_ssize_t len;
	const char *text = PyUnicode_AsUTF8AndSize(value, &len);

	if (!text)
		return -1;
	if (strlen(text) != (size_t)len) {
		PyErr_SetString(PyExc_ValueError, "embedded NUL");
		return -1;
	}
	*out = strdup(text);
	if (!*out)
		PyErr_NoMemory();
	return *out ? 0 : -1;
}

static int take_bytes(PyObject *value, uint8_t **out, size_t *len)
{
	char *data;
	Py_ssize_t size;

	if (PyBytes_AsStringAndSize(value, &data, &size))
		return -1;
	*out = malloc((size_t)size + 1);
	if (!*out) {
		PyErr_NoMemory();
		return -1;
	}
	memcpy(*out, data, (size_t)size);
	*len = (size_t)size;
	return 0;
}

static int take_argument(char kind, PyObject *value, struct mp_cmd *cmd, unsigned *ints, unsigned *texts)
{
	switch (kind) {
	case 'i':
		return take_int(value, &cmd->i[(*ints)++]);
	case 's':
		return take_text(value, &cmd->text[(*texts)++]);
	case 'b':
		return take_bytes(value, &cmd->bytes, &cmd->bytes_len);
	default:
		return take_handle(value, &cmd->other);
	}
}

int convert_command(PyObject *tuple, struct mp_cmd *cmd)
{
	const Py_ssize_t size = PyTuple_Check(tuple) ? PyTuple_Size(tuple) : 0;
	unsigned ints = 0, texts = 0;
	const char *args;
	int64_t op;

	memset(cmd, 0, sizeof(*cmd));
	if (size < 3 || take_int(PyTuple_GetItem(tuple, 0), &op) ||
	    take_handle(PyTuple_GetItem(tuple, 1), &cmd->cookie) ||
	    take_handle(PyTuple_GetItem(tuple, 2), &cmd->handle))
		goto fail;
	cmd->op = (uint16_t)op;
	args = mp_cmd_args(op >= 0 && op < MP_CMD_COUNT ? (unsigned)op : MP_CMD_COUNT);
	if (!args || (size_t)size != strlen(args) + 3)
		goto fail;
	for (Py_ssize_t i = 3; i < size; i++) {
		if (take_argument(args[i - 3], PyTuple_GetItem(tuple, i), cmd, &ints, &texts))
			goto fail;
	}
	return 0;
fail:
	mp_cmd_free(cmd);
	if (!PyErr_Occurred())
		PyErr_SetString(PyExc_TypeError, "not a command of cmd.def");
	return -1;
}

PyObject *convert_event(const struct mp_event *event)
{
	const unsigned count = mp_event_values(event->type);
	PyObject *tuple = PyTuple_New((Py_ssize_t)count + 2);

	if (!tuple)
		return NULL;
	PyTuple_SetItem(tuple, 0, PyLong_FromLong(event->type));
	PyTuple_SetItem(tuple, 1, PyLong_FromUnsignedLongLong(event->handle));
	for (unsigned i = 0; i < count; i++)
		PyTuple_SetItem(tuple, (Py_ssize_t)i + 2, PyLong_FromLongLong(event->i[i]));
	if (PyErr_Occurred()) {
		Py_DECREF(tuple);
		return NULL;
	}
	return tuple;
}
