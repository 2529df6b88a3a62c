/* What is given to a method of Handle: arguments by position or name, timeouts. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "python/deliver.h"

#include <math.h>

int nm_handle_timeout(struct handle *h, PyObject *seconds, int64_t *timeout_ns)
{
    double value;

    if (seconds == Py_None) {
        *timeout_ns = -1;
        return 0;
    }
    value = PyFloat_AsDouble(seconds);
    if (value == -1.0 && PyErr_Occurred()) {
        if (PyErr_ExceptionMatches(PyExc_TypeError))
            PyErr_Format(PyExc_TypeError, "timeout must be seconds, or None for ever, not %s",
                         Py_TYPE(seconds)->tp_name);
        return -1;
    }
    if (!(value >= 0)) {
        PyErr_Format(h->usage_error, "timeout %R: seconds from 0 up, or None for ever", seconds);
        return -1;
    }
    *timeout_ns = value < 9e9 ? (int64_t)ceil(value * 1e9) : INT64_MAX;
    return 0;
}

int nm_handle_parse(const char *function, const char *const *names, int required, PyObject **values,
                    PyObject *const *args, Py_ssize_t n, PyObject *keywords)
{
    Py_ssize_t known = 0, extra = keywords ? PyTuple_GET_SIZE(keywords) : 0;

    while (names[known])
        known++;
    if (n > known) {
        PyErr_Format(PyExc_TypeError, "%s() takes at most %zd arguments (%zd given)", function, known, n);
        return -1;
    }
    for (Py_ssize_t i = 0; i < known; i++)
        values[i] = i < n ? args[i] : NULL;
    for (Py_ssize_t k = 0; k < extra; k++) {
        PyObject *keyword = PyTuple_GET_ITEM(keywords, k);
        Py_ssize_t i = 0;

        while (i < known && PyUnicode_CompareWithASCIIString(keyword, names[i]))
            i++;
        if (i == known || values[i]) {
            PyErr_Format(PyExc_TypeError,
                         i == known ? "%s() got an unexpected keyword argument '%U'"
                                    : "%s() got multiple values for argument '%U'",
                         function, keyword);
            return -1;
        }
        values[i] = args[n + k];
    }
    for (int i = 0; i < required; i++)
        if (!values[i]) {
            PyErr_Format(PyExc_TypeError, "%s() missing required argument '%s'", function, names[i]);
            return -1;
        }
    return 0;
}
