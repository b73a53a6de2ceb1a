/*
 * The binding's private header. Only this folder knows Python; the core never includes Python.h.
 */
#ifndef BINDING_H
#define BINDING_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdlib.h>
#include <string.h>

#include "mp.h"

/* Add the Engine type to the module. Returns 0 or -1 with an exception. */
int engine_setup_type(PyObject *module);

/* Raise the exception that an errno of the core means; always returns NULL. */
PyObject *raise_errno(int error);

/*
 * Turn ("op", cookie, handle, …) into a command. Text and bytes are copied into the command.
 * Returns 0, or -1 with an exception.
 */
int convert_command(PyObject *tuple, struct mp_cmd *cmd);

/* Turn an event into (type, handle, …), NULL with an exception. */
PyObject *convert_event(const struct mp_event *event);

#endif
