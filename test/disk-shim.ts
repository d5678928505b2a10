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
  if (!ours(fd)) return real(fd, data, size);
  const char *fault = getenv("FAULT");
  if (!strcmp(fault, "EIO")) { errno = EIO; return -1; }
  if (!strcmp(fault, "EDQUOT")) { errno = EDQUOT; return -1; }
  if (!strcmp(fault, "slow")) { usleep(atoi(getenv("FAULT_US"))); return real(fd, data, size); }
  /* What a file with O_DSYNC answers when the bytes are in the page cache and the disk does not take them. */
  if (!strcmp(fault, "sync")) { real(fd, data, size); errno = EIO; return -1; }
  static int calls;
  if (!strcmp(fault, "torn") && calls++ > 0) { errno = EIO; return -1; }
  return real(fd, data, size > 7 ? 7 : size);
}
`;

export const hasCompiler: boolean = spawnSync('cc', ['--version']).status === 0;

/** What a process gets as its environment to have such a disk for its files `*.jsonl`. */
export interface DiskFault {
  readonly LD_PRELOAD: string;
  /** How a write to a file with O_DSYNC answers; `slow`: after FAULT_US microseconds more. */
  readonly FAULT: 'EIO' | 'EDQUOT' | 'sync' | 'torn' | 'short' | 'slow';
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
