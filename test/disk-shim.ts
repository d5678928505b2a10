// A disk that fails or is slow, for a whole process: a library that is loaded before the C library answers its system calls.
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const SOURCE = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
/* Answers for files whose name ends in .jsonl, once the file named by FAULT_WHEN exists. */
static int ours(int fd) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, sizeof path - 1);
  if (n < 6) return 0;
  path[n] = 0;
  return strcmp(path + n - 6, ".jsonl") == 0 && access(getenv("FAULT_WHEN"), F_OK) == 0;
}
ssize_t write(int fd, const void *data, size_t size) {
  static ssize_t (*real)(int, const void *, size_t);
  if (!real) real = dlsym(RTLD_NEXT, "write");
  const char *fault = getenv("FAULT");
  if (!strcmp(fault, "slow") || !ours(fd)) return real(fd, data, size);
  if (!strcmp(fault, "EIO")) { errno = EIO; return -1; }
  if (!strcmp(fault, "EDQUOT")) { errno = EDQUOT; return -1; }
  return real(fd, data, size > 7 ? 7 : size);
}
int fdatasync(int fd) {
  static int (*real)(int);
  if (!real) real = dlsym(RTLD_NEXT, "fdatasync");
  const char *fault = getenv("FAULT");
  if (ours(fd) && !strcmp(fault, "sync")) { errno = EIO; return -1; }
  if (ours(fd) && !strcmp(fault, "slow")) usleep(atoi(getenv("FAULT_US")));
  return real(fd);
}
`;

export const hasCompiler: boolean = spawnSync('cc', ['--version']).status === 0;

/** What a process gets as its environment to have such a disk for its files `*.jsonl`. */
export interface DiskFault {
  readonly LD_PRELOAD: string;
  /** How a write or a sync answers; `slow`: a sync takes FAULT_US microseconds more. */
  readonly FAULT: 'EIO' | 'EDQUOT' | 'sync' | 'short' | 'slow';
  /** It does so once this file exists. */
  readonly FAULT_WHEN: string;
  readonly FAULT_US?: string;
}

/** Builds the library below a directory; returns its path. */
export function buildDiskShim(directory: string): string {
  const [source, shim] = [join(directory, 'shim.c'), join(directory, 'shim.so')];
  writeFileSync(source, SOURCE);
  execFileSync('cc', ['-shared', '-fPIC', '-o', shim, source, '-ldl']);
  return shim;
}
