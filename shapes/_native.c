/* What the compiled build has in C: weak references to instances of classes that mypyc
 * compiled, records made in one step, and a look at the lines on the stack. Each has its twin
 * in Python (`__weakref__`, `records`, `location`), which interpreted builds use.
 */

/* Weak references to instances of classes that mypyc compiled.
 *
 * mypyc's deallocator does not tell weak references that their object goes (mypyc issue
 * 1102). `adopt` makes a field of the instances, which the class declares and nobody reads,
 * the head of the list of weak references, and puts a deallocator before the class's own.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <frameobject.h>
#include <structmember.h>

#define MOST_CLASSES 64

typedef struct {
    PyTypeObject *type;
    destructor dealloc;
    traverseproc traverse;
    inquiry clear;
    allocfunc alloc;
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

/* Instances that are never part of a cycle are not shown to the collector. */
static PyObject *
allocate(PyTypeObject *type, Py_ssize_t items)
{
    PyObject *self = adopted_class(type)->alloc(type, items);
    if (self != NULL) {
        PyObject_GC_UnTrack(self);
    }
    return self;
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
    int acyclic;
    if (!PyArg_ParseTuple(args, "Osp", &instance, &field, &acyclic)) {
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
    class->alloc = type->tp_alloc;
    class->offset = offset;
    type->tp_dealloc = deallocate;
    type->tp_traverse = traverse;
    type->tp_clear = clear;
    if (acyclic) {
        type->tp_alloc = allocate;
    }
    type->tp_weaklistoffset = offset;
    PyType_Modified(type);
    Py_RETURN_NONE;
}

static int
untrack(PyObject *part, void *unused)
{
    if (PyTuple_CheckExact(part) || PyDict_CheckExact(part)) {
        PyObject_GC_UnTrack(part);
    }
    return 0;
}

/* A weak reference to an instance. If its class is acyclic, it is part of no cycle, and the
 * collector need not follow the reference, nor the tuples and dictionaries that the instance is
 * made of; of others (classes may be interpreted beside this module) all stays followed.
 */
static PyObject *
entry(PyObject *module, PyObject *node)
{
    PyObject *reference = PyWeakref_NewRef(node, NULL);
    if (reference != NULL && Py_TYPE(node)->tp_alloc == allocate) {
        PyObject_GC_UnTrack(reference);
        adopted_class(Py_TYPE(node))->traverse(node, untrack, NULL);
    }
    return reference;
}

/* Records (see `records`): a call of the class fills the slots of a new instance. Whatever is
 * not plain (an argument too many or too few, a name that is no field) is left to the class's
 * own `__init__`, which says what is wrong.
 */

#define MOST_FIELDS 16
#define MOST_RECORDS 256 /* a power of two, at least twice as many as there are records */

typedef struct {
    PyTypeObject *type;
    Py_ssize_t count;
    PyObject *names[MOST_FIELDS];
    PyObject *defaults[MOST_FIELDS]; /* NULL where there is none */
    Py_ssize_t offsets[MOST_FIELDS];
} Record;

static Record *records[MOST_RECORDS];
static int records_count = 0;

/* The entry of a class, or the free one where it belongs. */
static Record **
record_of(PyTypeObject *type)
{
    size_t at = ((size_t)type >> 4) * 0x9E3779B1u;
    for (;; at++) {
        Record **entry = &records[at % MOST_RECORDS];
        if (*entry == NULL || (*entry)->type == type) {
            return entry;
        }
    }
}

static PyObject *
made_by_init(PyObject *type, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    PyObject *result = NULL, *named = NULL, *given = PyTuple_New(count);
    if (given == NULL) {
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_INCREF(args[i]);
        PyTuple_SET_ITEM(given, i, args[i]);
    }
    if (names != NULL && PyTuple_GET_SIZE(names)) {
        named = PyDict_New();
        for (Py_ssize_t i = 0; named != NULL && i < PyTuple_GET_SIZE(names); i++) {
            if (PyDict_SetItem(named, PyTuple_GET_ITEM(names, i), args[count + i]) < 0) {
                Py_CLEAR(named);
            }
        }
        if (named == NULL) {
            Py_DECREF(given);
            return NULL;
        }
    }
    result = PyType_Type.tp_call(type, given, named);
    Py_DECREF(given);
    Py_XDECREF(named);
    return result;
}

static PyObject *
made(PyObject *callable, PyObject *const *args, size_t flags, PyObject *names)
{
    PyTypeObject *type = (PyTypeObject *)callable;
    Record *record = *record_of(type);
    Py_ssize_t given = PyVectorcall_NARGS(flags);
    if (record == NULL || given > record->count) {
        return made_by_init(callable, args, given, names);
    }
    PyObject *values[MOST_FIELDS];
    for (Py_ssize_t i = 0; i < record->count; i++) {
        values[i] = i < given ? args[i] : NULL;
    }
    Py_ssize_t named = names == NULL ? 0 : PyTuple_GET_SIZE(names);
    for (Py_ssize_t k = 0; k < named; k++) {
        Py_ssize_t i = given;
        while (i < record->count && record->names[i] != PyTuple_GET_ITEM(names, k)) {
            i++;
        }
        if (i == record->count || values[i] != NULL) {
            return made_by_init(callable, args, given, names);
        }
        values[i] = args[given + k];
    }
    for (Py_ssize_t i = given; i < record->count; i++) {
        if (values[i] == NULL && (values[i] = record->defaults[i]) == NULL) {
            return made_by_init(callable, args, given, names);
        }
    }
    PyObject *self = type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    for (Py_ssize_t i = 0; i < record->count; i++) {
        Py_INCREF(values[i]);
        *(PyObject **)((char *)self + record->offsets[i]) = values[i];
    }
    return self;
}

/* What is known of the slots of a class; NULL where a field is none, with an error only where
 * something failed. Classes are made by modules, which stay: nothing is ever freed. */
static Record *
new_record(PyTypeObject *type, PyObject *names, PyObject *defaults)
{
    Py_ssize_t count = PyTuple_GET_SIZE(names);
    Record *record = count > MOST_FIELDS ? NULL : PyMem_Calloc(1, sizeof(Record));
    if (record == NULL) {
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *name = PyTuple_GET_ITEM(names, i); /* interned: a name in source text */
        PyObject *member = PyObject_GetAttr((PyObject *)type, name);
        if (member == NULL || !Py_IS_TYPE(member, &PyMemberDescr_Type) ||
            !PyUnicode_CHECK_INTERNED(name)) {
            Py_XDECREF(member);
            PyMem_Free(record);
            return NULL;
        }
        record->names[i] = name;
        record->defaults[i] = PyDict_GetItemWithError(defaults, name);
        record->offsets[i] = ((PyMemberDescrObject *)member)->d_member->offset;
        Py_DECREF(member);
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_INCREF(record->names[i]);
        Py_XINCREF(record->defaults[i]);
    }
    Py_INCREF(type);
    record->type = type;
    record->count = count;
    return record;
}

static PyObject *
quicken(PyObject *module, PyObject *args)
{
    PyTypeObject *type;
    PyObject *names, *defaults;
    if (!PyArg_ParseTuple(args, "O!O!O!", &PyType_Type, &type, &PyTuple_Type, &names,
                          &PyDict_Type, &defaults)) {
        return NULL;
    }
    Record **entry = record_of(type);
    if (*entry == NULL && 2 * records_count < MOST_RECORDS) {
        *entry = new_record(type, names, defaults);
        if (*entry != NULL) {
            records_count++;
            type->tp_vectorcall = made;
            Py_RETURN_TRUE;
        }
        if (PyErr_Occurred()) {
            return NULL;
        }
    }
    Py_RETURN_FALSE;
}

static PyObject *
fill(PyObject *capsule, PyObject *const *args, Py_ssize_t count)
{
    Record *record = PyCapsule_GetPointer(capsule, NULL);
    if (record == NULL || count != record->count) {
        PyErr_Format(PyExc_TypeError, "%zd values are given", count);
        return NULL;
    }
    PyObject *self = record->type->tp_alloc(record->type, 0);
    if (self == NULL) {
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_INCREF(args[i]);
        *(PyObject **)((char *)self + record->offsets[i]) = args[i];
    }
    return self;
}

static PyMethodDef fill_method = {
    "fill", (PyCFunction)(void (*)(void))fill, METH_FASTCALL,
    "A new instance with these values in its slots.",
};

static PyObject *
filler(PyObject *module, PyObject *args)
{
    PyTypeObject *type;
    PyObject *names, *none = PyDict_New(), *result = NULL;
    if (none != NULL && PyArg_ParseTuple(args, "O!O!", &PyType_Type, &type, &PyTuple_Type,
                                         &names)) {
        Record *record = new_record(type, names, none);
        if (record != NULL) {
            PyObject *capsule = PyCapsule_New(record, NULL, NULL);
            if (capsule != NULL) {
                result = PyCFunction_New(&fill_method, capsule);
                Py_DECREF(capsule);
            }
        }
        else if (!PyErr_Occurred()) {
            PyErr_Format(PyExc_TypeError, "%s has no such slots", type->tp_name);
        }
    }
    Py_XDECREF(none);
    return result;
}

/* Lines that were found lately, by where their code was: a line is an immutable value, finding
 * its number is a walk through the code's table, and code that states something in a loop
 * states it again. An entry keeps its code object alive, so that no other can have its place.
 */

#define MOST_PLACES 256

typedef struct {
    PyCodeObject *code;
    int instruction;
    PyObject *location;
} Place;

static Place places[MOST_PLACES];

/* The line in which a frame is: a new reference. */
static PyObject *
line_of(PyFrameObject *frame, PyCodeObject *code, PyObject *made)
{
#if PY_VERSION_HEX >= 0x030B0000
    int instruction = PyFrame_GetLasti(frame);
    size_t at = ((size_t)code >> 4) * 0x9E3779B1u + (size_t)instruction;
    Place *place = &places[(at ^ at >> 16) % MOST_PLACES];
    if (place->code == code && place->instruction == instruction) {
        return Py_NewRef(place->location);
    }
#endif
    PyObject *line = PyLong_FromLong(PyFrame_GetLineNumber(frame));
    if (line == NULL) {
        return NULL;
    }
    PyObject *fields[] = {code->co_filename, line, code->co_name};
    PyObject *location = PyObject_Vectorcall(made, fields, 3, NULL);
    Py_DECREF(line);
#if PY_VERSION_HEX >= 0x030B0000
    if (location != NULL) {
        Place old = *place;
        *place = (Place){(PyCodeObject *)Py_NewRef(code), instruction, Py_NewRef(location)};
        Py_XDECREF(old.code);
        Py_XDECREF(old.location);
    }
#endif
    return location;
}

/* The innermost line on the stack whose file is not internal (see `location`): `tuple` is the
 * table of files, the class of a line, the variable that a block sets which says where its
 * statements are said, and the function that answers in such a block, or where a file is not in
 * the table yet.
 */
static PyObject *
locate(PyObject *tuple, PyObject *unused)
{
    PyObject *table = PyTuple_GET_ITEM(tuple, 0), *said = NULL, *result = NULL;
    if (PyContextVar_Get(PyTuple_GET_ITEM(tuple, 2), NULL, &said) < 0) {
        return NULL;
    }
    int usual = said == Py_None;
    Py_XDECREF(said);
    PyFrameObject *frame = usual ? PyEval_GetFrame() : NULL;
    Py_XINCREF(frame);
    while (usual && frame != NULL && result == NULL) {
        PyCodeObject *code = PyFrame_GetCode(frame);
        PyObject *internal = PyDict_GetItemWithError(table, code->co_filename);
        if (internal == Py_False) {
            result = line_of(frame, code, PyTuple_GET_ITEM(tuple, 1));
        }
        usual = internal == Py_True || result != NULL;
        Py_DECREF(code);
        PyFrameObject *back = usual && result == NULL ? PyFrame_GetBack(frame) : NULL;
        Py_DECREF(frame);
        frame = back;
    }
    if (result != NULL || PyErr_Occurred()) {
        return result;
    }
    if (usual) {
        Py_RETURN_NONE;
    }
    return PyObject_CallNoArgs(PyTuple_GET_ITEM(tuple, 3));
}

static PyMethodDef locate_method = {
    "user_location", locate, METH_NOARGS,
    "The innermost line on the stack that is a person's, or the place of the block `SaidAt` that "
    "is further in; None at top level.",
};

static PyObject *
locator(PyObject *module, PyObject *args)
{
    PyObject *table, *made, *said, *otherwise;
    if (!PyArg_ParseTuple(args, "O!OO!O", &PyDict_Type, &table, &made, &PyContextVar_Type,
                          &said, &otherwise)) {
        return NULL;
    }
    return PyCFunction_New(&locate_method, args);
}

static PyMethodDef methods[] = {
    {"adopt", adopt, METH_VARARGS,
     "adopt(instance, field, acyclic): give the instance's class weak references; whether the "
     "collector need not follow its instances."},
    {"entry", entry, METH_O,
     "A weak reference, for a table, to an instance that is complete."},
    {"quicken", quicken, METH_VARARGS,
     "quicken(kind, names, defaults): make calls of a class fill its slots at once; whether "
     "that can be."},
    {"filler", filler, METH_VARARGS,
     "filler(kind, names): a function that makes instances of a class from the values of these "
     "slots, past its `__new__` and `__init__`."},
    {"locator", locator, METH_VARARGS,
     "locator(internal, made, said, otherwise): `user_location` of `location`."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_native", "What mypyc leaves out.", -1, methods,
};

PyMODINIT_FUNC
PyInit__native(void)
{
    return PyModule_Create(&definition);
}
