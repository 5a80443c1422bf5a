// Opens libraries as it is told and says what ld.so made of it: the oracle for src/elf/loader.cpp. Built as a
// program, and with -DCALLER as a library whose code opens others (its RUNPATH counts then).
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

#ifdef CALLER

void* open_from_here(const char* name);
void* open_from_here(const char* name) { return dlopen(name, RTLD_NOW | RTLD_LOCAL); }

#else

static int print_object(struct dl_phdr_info* info, size_t size, void* unused) {
  (void)size;
  (void)unused;
  printf("loaded %s\n", info->dlpi_name);
  return 0;
}

// Lines of input: "open NAME", or "from CALLER NAME" (no blanks in names).
int main(void) {
  char line[8192];
  while (fgets(line, sizeof line, stdin) != NULL) {
    char caller[4096];
    char name[4096];
    void* handle = NULL;
    if (sscanf(line, "from %4095s %4095s", caller, name) == 2) {
      void* library = dlopen(caller, RTLD_NOW | RTLD_NOLOAD);
      void* symbol = library != NULL ? dlsym(library, "open_from_here") : NULL;
      if (symbol == NULL) {
        printf("no caller\n");
        continue;
      }
      void* (*open_from_here)(const char*);
      memcpy(&open_from_here, &symbol, sizeof symbol);
      handle = open_from_here(name);
    } else if (sscanf(line, "open %4095s", name) == 1) {
      handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    } else {
      return 2;
    }
    struct link_map* map = NULL;
    if (handle != NULL && dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0) {
      printf("ok %s\n", map->l_name);
    } else {
      printf("no %s\n", dlerror());
    }
    fflush(stdout);
  }
  dl_iterate_phdr(print_object, NULL);
  return 0;
}

#endif
