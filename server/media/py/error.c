/* The one map from the core's errno to Python's exceptions. */
#include <errno.h>

#include "binding.h"

PyObject *raise_errno(int error)
{
	switch (error) {
	case ENOMEM:
		return PyErr_NoMemory();
	case EINVAL:
	case ENAMETOOLONG:
	case ENOTSUP:
	case EBADMSG:
		errno = error;
		PyErr_SetString(PyExc_ValueError, strerror(error));
		return NULL;
	default:
		errno = error;
		return PyErr_SetFromErrno(PyExc_OSError);
	}
}
