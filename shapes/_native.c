/* Weak references to instances of classes that mypyc compiled.
 *
 * mypyc's deallocator does not tell weak references that their object goes (mypyc issue
 * 1102). `adopt` makes a field of the instances, which the class declares and nobody reads,
 * the head of the list of weak references, and puts a deallocator before the class's own.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#define MOST_CLASSES 64

typedef struct {
    PyTypeObject *type;
    destructor dealloc;
    traverseproc traverse;
    inquiry clear;
    Py_ssize_t offset;
} Adopted;

static Adopted adopted[MOST_CLASSES];
static int adopted_count = 0;

static Adopted *
adopted_class(PyTypeObject *type)
{
    for (; type != NULL; type = type->tp_base) {
        for (int i = 0; i < adopted_count; i++) {
            if (adopted[i].type == type) {
                return &adopted[i];
            }
        }
    }
    return NULL;
}

static PyObject **
list_of(const Adopted *class, PyObject *self)
{
    return (PyObject **)((char *)self + class->offset);
}

/* Weak references are told first, so that nobody reaches an object that waits in the trashcan;
 * the class's own use of the trashcan is off, because it is not the type's deallocator now. */
static void
deallocate(PyObject *self)
{
    const Adopted *class = adopted_class(Py_TYPE(self));
    PyObject_GC_UnTrack(self);
    if (*list_of(class, self) != NULL) {
        PyObject_ClearWeakRefs(self);
    }
    Py_TRASHCAN_BEGIN(self, deallocate)
    class->dealloc(self);
    Py_TRASHCAN_END
}

/* The list is not an owned reference: the class's own functions must not see it. */
static int
traverse(PyObject *self, visitproc visit, void *arg)
{
    const Adopted *class = adopted_class(Py_TYPE(self));
    PyObject **list = list_of(class, self), *kept = *list;
    *list = NULL;
    int result = class->traverse(self, visit, arg);
    *list = kept;
    return result;
}

static int
clear(PyObject *self)
{
    const Adopted *class = adopted_class(Py_TYPE(self));
    PyObject **list = list_of(class, self), *kept = *list;
    *list = NULL;
    int result = class->clear(self);
    *list = kept;
    return result;
}

/* Where instances keep the field: set it to a mark, and look for the mark. */
static Py_ssize_t
offset_of(PyObject *instance, const char *field)
{
    PyTypeObject *type = Py_TYPE(instance);
    Py_ssize_t found = 0;
    PyObject *mark = PyList_New(0);
    if (mark == NULL) {
        return -1;
    }
    if (PyObject_SetAttrString(instance, field, mark) < 0) {
        Py_DECREF(mark);
        return -1;
    }
    Py_ssize_t last = type->tp_basicsize - (Py_ssize_t)sizeof(PyObject *);
    for (Py_ssize_t at = sizeof(PyObject); at <= last; at += sizeof(PyObject *)) {
        PyObject **place = (PyObject **)((char *)instance + at);
        if (*place == mark) {
            found = at;
            *place = NULL;
            Py_DECREF(mark); /* the instance's own reference */
            break;
        }
    }
    Py_DECREF(mark);
    if (!found) {
        PyErr_Format(PyExc_SystemError, "%s has no field %s", type->tp_name, field);
        return -1;
    }
    return found;
}

static PyObject *
adopt(PyObject *module, PyObject *args)
{
    PyObject *instance;
    const char *field;
    if (!PyArg_ParseTuple(args, "Os", &instance, &field)) {
        return NULL;
    }
    PyTypeObject *type = Py_TYPE(instance);
    if (adopted_count == MOST_CLASSES || !PyType_IS_GC(type) || type->tp_weaklistoffset) {
        PyErr_Format(PyExc_SystemError, "%s cannot be adopted", type->tp_name);
        return NULL;
    }
    Py_ssize_t offset = offset_of(instance, field);
    if (offset < 0) {
        return NULL;
    }
    Adopted *class = &adopted[adopted_count++];
    class->type = type;
    class->dealloc = type->tp_dealloc;
    class->traverse = type->tp_traverse;
    class->clear = type->tp_clear;
    class->offset = offset;
    type->tp_dealloc = deallocate;
    type->tp_traverse = traverse;
    type->tp_clear = clear;
    type->tp_weaklistoffset = offset;
    PyType_Modified(type);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"adopt", adopt, METH_VARARGS,
     "adopt(instance, field): give the instance's class weak references."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_native", "Weak references for compiled classes.", -1, methods,
};

PyMODINIT_FUNC
PyInit__native(void)
{
    return PyModule_Create(&definition);
}
