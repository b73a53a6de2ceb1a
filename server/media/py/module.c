/* server.media._media: wires the types, constants and helper functions together. */
#include <arpa/inet.h>

#include "binding.h"
#include "file.h"
#include "tone.h"

static PyObject *is_tone(PyObject *self, PyObject *arg)
{
	Py_ssize_t len;
	const char *text = PyUnicode_AsUTF8AndSize(arg, &len);
	struct mp_tone_list *list;
	int err;

	(void)self;
	if (!text)
		return NULL;
	list = malloc(sizeof(*list));
	if (!list)
		return PyErr_NoMemory();
	err = mp_tone_parse(list, text, (size_t)len);
	free(list);
	return PyBool_FromLong(!err);
}

static PyObject *is_address(PyObject *self, PyObject *arg)
{
	const char *text = PyUnicode_AsUTF8AndSize(arg, NULL);
	struct mp_addr addr;

	(void)self;
	if (!text)
		return NULL;
	return PyBool_FromLong(!mp_addr_parse(&addr, text, 0));
}

static PyObject *format_rate(PyObject *self, PyObject *arg)
{
	const char *text = PyUnicode_AsUTF8AndSize(arg, NULL);

	(void)self;
	if (!text)
		return NULL;
	return PyLong_FromUnsignedLong(mp_file_rate(text));
}

static PyMethodDef methods[] = {
        {"is_tone", is_tone, METH_O, "Tell whether a text is a tone list."},
        {"is_address", is_address, METH_O, "Tell whether a text is an IPv4 or IPv6 literal."},
        {"format_rate", format_rate, METH_O, "Sampling rate of a recording format, 0 if unknown."},
        {NULL, NULL, 0, NULL},
};

static const struct {
	const char *name;
	int value;
} constants[] = {
#define MP_CMD(name, kind, args) {#name, MP_CMD_##name},
#include "cmd.def"
#undef MP_CMD
#define MP_EVENT(name, values, hint) {"EVENT_" #name, MP_EVENT_##name},
#include "event.def"
#undef MP_EVENT
};

static int module_exec(PyObject *module)
{
	for (size_t i = 0; i < sizeof(constants) / sizeof(constants[0]); i++) {
		if (PyModule_AddIntConstant(module, constants[i].name, constants[i].value))
			return -1;
	}
	return engine_setup_type(module);
}

static PyModuleDef_Slot slots[] = {
        {Py_mod_exec, (void *)module_exec},
        {0, NULL},
};

static struct PyModuleDef definition = {
        PyModuleDef_HEAD_INIT,
        .m_name = "server.media._media",
        .m_doc = "The media engine in C.",
        .m_methods = methods,
        .m_slots = slots,
};

PyMODINIT_FUNC PyInit__media(void);
PyMODINIT_FUNC PyInit__media(void)
{
	return PyModuleDef_Init(&definition);
}
