/* Put before every file that mypyc generates (see setup.py): a product of large integers that a
 * signal interrupts.
 *
 * CPython looks for signals in the middle of such a product, and hands on what the handler
 * raises (KeyboardInterrupt, say). mypyc takes every failure of a product for lack of memory,
 * and ends the process. So the product is made again, and what was raised is raised at the
 * interpreter's next step.
 */

#ifndef SHAPEPROOF_SIGNALS_H
#define SHAPEPROOF_SIGNALS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

static inline int
shapeproof_raise(void *raised)
{
    PyObject *value = (PyObject *)raised;
    PyErr_SetObject((PyObject *)Py_TYPE(value), value);
    Py_DECREF(value);
    return -1;
}

static inline PyObject *
shapeproof_multiply(PyObject *a, PyObject *b)
{
    PyObject *result = PyNumber_Multiply(a, b);
    while (result == NULL && PyLong_CheckExact(a) && PyLong_CheckExact(b)
           && !PyErr_ExceptionMatches(PyExc_MemoryError)) {
        PyObject *type, *value, *trace;
        PyErr_Fetch(&type, &value, &trace);
        PyErr_NormalizeException(&type, &value, &trace);
        if (trace != NULL) {
            PyException_SetTraceback(value, trace);
        }
        Py_XDECREF(type);
        Py_XDECREF(trace);
        if (Py_AddPendingCall(shapeproof_raise, value) < 0) {
            Py_DECREF(value); /* more than thirty wait already */
        }
        result = PyNumber_Multiply(a, b);
    }
    return result;
}

#define PyNumber_Multiply shapeproof_multiply

#endif
