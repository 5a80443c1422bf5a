// skeleton_opener alone|in-turn OBJECT NAME...: opens OBJECT as Python opens _pywrap_tensorflow_internal.so,
// then each NAME from the code of caller.c, and prints what ld.so did: "open NAME", then (with LD_DEBUG=libs,
// from ld.so itself) its search, then "path FILE" or "error TEXT", then "loaded FILE" for everything that the
// process holds. "alone" opens each in a fresh copy of the process.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int print_loaded(struct dl_phdr_info* info, size_t size, void* unused) {
  (void)size;
  (void)unused;
  if (info->dlpi_name[0] == '/') printf("loaded %s\n", info->dlpi_name);
  return 0;
}

static void open_and_print(void* (*open_name)(const char*), const char* name) {
  printf("open %s\n", name);
  fflush(stdout);  // before what ld.so writes
  void* handle = open_name(name);
  struct link_map* map = handle;  // glibc's handle is the link map
  if (handle == NULL) {
    printf("error %s\n", dlerror());
  } else {
    printf("path %s\n", map->l_name);
  }
  dl_iterate_phdr(print_loaded, NULL);
  fflush(stdout);
}

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  void* object = dlopen(argv[2], RTLD_NOW);
  if (object == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  void* (*open_name)(const char*) = (void* (*)(const char*))dlsym(object, "skeleton_open");
  if (open_name == NULL) return 1;
  for (int i = 3; i < argc; ++i) {
    if (strcmp(argv[1], "alone") != 0) {
      open_and_print(open_name, argv[i]);
      continue;
    }
    fflush(stdout);
    pid_t child = fork();
    if (child < 0) return 1;
    if (child == 0) {
      open_and_print(open_name, argv[i]);
      _exit(0);
    }
    int status = 0;
    if (waitpid(child, &status, 0) != child || status != 0) return 1;
  }
  return 0;
}
