/* Preloaded into a process: counts its changes of files below a folder, and fails the Nth with EIO.

   FAIL_BELOW   the folder
   FAIL_NOT_IN  a folder below it that is left alone
   FAIL_AT      which change fails, from 1; 0 is none
   FAIL_ON      1: every later one fails, too
   FAIL_LOG     each change is appended to this file: its name and its path */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int starts(const char *path, const char *prefix) {
    return prefix && *prefix && strncmp(path, prefix, strlen(prefix)) == 0;
}

/* Whether this change fails. */
static int fails(const char *operation, const char *path) {
    static int count;
    if (!path || !starts(path, getenv("FAIL_BELOW")) || starts(path, getenv("FAIL_NOT_IN"))) return 0;
    int now = __sync_add_and_fetch(&count, 1), at = atoi(getenv("FAIL_AT"));
    char line[PATH_MAX + 32];
    int length = snprintf(line, sizeof line, "%s %s\n", operation, path);
    int log = syscall(SYS_openat, AT_FDCWD, getenv("FAIL_LOG"), O_WRONLY | O_CREAT | O_APPEND, 0600);
    syscall(SYS_write, log, line, length);
    syscall(SYS_close, log);
    if (!at || !(now == at || (now > at && atoi(getenv("FAIL_ON"))))) return 0;
    errno = EIO;
    return 1;
}

static int descriptor_fails(const char *operation, int descriptor) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return fails(operation, path);
}

#define CHANGES (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)
#define OPEN(name)                                                     \
    int name(const char *path, int flags, ...) {                      \
        va_list arguments;                                             \
        va_start(arguments, flags);                                    \
        int mode = va_arg(arguments, int);                             \
        va_end(arguments);                                             \
        if (flags & CHANGES && fails("open", path)) return -1;         \
        return REAL(name)(path, flags, mode);                          \
    }
OPEN(open)
OPEN(open64)

#define DESCRIPTOR(type, name, parameters, arguments)                  \
    type name parameters {                                             \
        if (descriptor_fails(#name, descriptor)) return -1;            \
        return REAL(name) arguments;                                   \
    }
DESCRIPTOR(ssize_t, write, (int descriptor, const void *bytes, size_t size), (descriptor, bytes, size))
DESCRIPTOR(ssize_t, pwrite, (int descriptor, const void *bytes, size_t size, off_t at), (descriptor, bytes, size, at))
DESCRIPTOR(ssize_t, pwrite64, (int descriptor, const void *bytes, size_t size, off64_t at), (descriptor, bytes, size, at))
DESCRIPTOR(int, fsync, (int descriptor), (descriptor))
DESCRIPTOR(int, fdatasync, (int descriptor), (descriptor))
DESCRIPTOR(int, ftruncate, (int descriptor, off_t size), (descriptor, size))
DESCRIPTOR(int, ftruncate64, (int descriptor, off64_t size), (descriptor, size))

#define PATH(name, parameters, arguments)                              \
    int name parameters {                                              \
        if (fails(#name, path)) return -1;                             \
        return REAL(name) arguments;                                   \
    }
PATH(rename, (const char *path, const char *target), (path, target))
PATH(unlink, (const char *path), (path))
PATH(mkdir, (const char *path, mode_t mode), (path, mode))
PATH(rmdir, (const char *path), (path))
PATH(chmod, (const char *path, mode_t mode), (path, mode))
