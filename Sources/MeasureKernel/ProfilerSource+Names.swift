// The profiler's C, continued: addresses into names by the child's own symbol tables, and the lines that it answers.

extension ProfilerSource {
  /// Static functions have names only in .symtab, which dladdr does not read; so the files are read here.
  static let naming = #"""
    static char **nbp_names;
    static long nbp_nameCount, nbp_nameRoom;

    static int nbp_byAddress(const void *a, const void *b) {
      const nbp_symbol *x = a, *y = b;
      return x->at < y->at ? -1 : x->at > y->at;
    }

    // The functions of a module: from .symtab, which has the static ones too, else from .dynsym. The file stays mapped.
    static void nbp_readSymbols(nbp_module *m) {
      m->isRead = 1;
      m->count = 0;
      int fd = open(m->path[0] ? m->path : "/proc/self/exe", O_RDONLY | O_CLOEXEC);
      if (fd < 0) return;
      struct stat status;
      char *file = fstat(fd, &status) ? MAP_FAILED : mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
      close(fd);
      if (file == MAP_FAILED) return;
      size_t length = (size_t)status.st_size;
      const ElfW(Ehdr) *header = (void *)file;
      if (length < sizeof *header || memcmp(file, ELFMAG, SELFMAG) || header->e_shentsize != sizeof(ElfW(Shdr))) return;
      if (header->e_shoff > length || header->e_shnum * sizeof(ElfW(Shdr)) > length - header->e_shoff) return;
      const ElfW(Shdr) *sections = (void *)(file + header->e_shoff), *table = NULL;
      for (int i = 0; i < header->e_shnum; i++)
        if (sections[i].sh_type == SHT_SYMTAB || (sections[i].sh_type == SHT_DYNSYM && !table)) table = &sections[i];
      if (!table || table->sh_link >= header->e_shnum || table->sh_offset + table->sh_size > length) return;
      const ElfW(Shdr) *text = &sections[table->sh_link];
      if (text->sh_offset + text->sh_size > length || !text->sh_size || file[text->sh_offset + text->sh_size - 1]) return;
      long n = (long)(table->sh_size / sizeof(ElfW(Sym)));
      const ElfW(Sym) *entry = (void *)(file + table->sh_offset);
      m->symbols = calloc((size_t)n + 1, sizeof *m->symbols);
      if (!m->symbols) return;
      for (long i = 0; i < n; i++) {
        int type = ELF64_ST_TYPE(entry[i].st_info);
        if ((type != STT_FUNC && type != STT_GNU_IFUNC) || !entry[i].st_shndx || entry[i].st_name >= text->sh_size) continue;
        const char *name = file + text->sh_offset + entry[i].st_name;
        m->symbols[m->count++] = (nbp_symbol){m->base + entry[i].st_value, entry[i].st_size, name, 0};
      }
      qsort(m->symbols, (size_t)m->count, sizeof *m->symbols, nbp_byAddress);
    }

    static nbp_module *nbp_moduleAt(uintptr_t a) {
      for (int i = 0; i < nbp.textCount; i++)
        if (a >= nbp.text[i].low && a < nbp.text[i].high) return &nbp.text[i];
      return NULL;
    }

    static nbp_symbol *nbp_symbolAt(nbp_module *m, uintptr_t a) {
      if (!m->isRead) nbp_readSymbols(m);
      long low = 0, high = m->count;
      while (low < high) {
        long middle = (low + high) / 2;
        if (m->symbols[middle].at <= a) low = middle + 1; else high = middle;
      }
      // Of aliases at one address the first; assembly has no size and reaches to the next one.
      if (!low) return NULL;
      nbp_symbol *found = &m->symbols[low - 1];
      while (found > m->symbols && found[-1].at == found->at) found--;
      return found->size && a >= found->at + found->size ? NULL : found;
    }

    // There in a Swift program.
    extern char *swift_demangle(const char *, size_t, char *, size_t *, uint32_t) __attribute__((weak));
    extern char *__cxa_demangle(const char *, char *, size_t *, int *) __attribute__((weak));

    // An id for a name, module`function outside the program; what would break a line of the answer is replaced.
    static long nbp_intern(const nbp_module *m, const char *name) {
      char *plain = NULL;
      if (swift_demangle && !strncmp(name, "$s", 2)) plain = swift_demangle(name, strlen(name), NULL, NULL, 0);
      if (__cxa_demangle && !strncmp(name, "_Z", 2)) plain = __cxa_demangle(name, NULL, NULL, NULL);
      const char *file = m && m->path[0] ? m->path : "";
      if (strrchr(file, '/')) file = strrchr(file, '/') + 1;
      char text[NB_NAME_BYTES * 4];
      snprintf(text, sizeof text, "%s%s%s", file, file[0] ? "`" : "", plain ? plain : name);
      free(plain);
      size_t n = strlen(text);
      if (n > NB_NAME_BYTES) {
        n = NB_NAME_BYTES;
        while ((text[n] & 0xc0) == 0x80) n--;
        text[n] = 0;
      }
      for (char *c = text; *c; c++) {
        if (*c == ';') *c = ':';
        if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = ' ';
      }
      for (long i = 0; i < nbp_nameCount; i++)
        if (!strcmp(nbp_names[i], text)) return i + 1;
      if (nbp_nameCount == nbp_nameRoom) {
        char **more = realloc(nbp_names, (size_t)(nbp_nameRoom = nbp_nameRoom * 2 + 256) * sizeof *more);
        if (!more) abort();
        nbp_names = more;
      }
      nbp_names[nbp_nameCount++] = strdup(text);
      return nbp_nameCount;
    }

    static long nbp_nameOf(uintptr_t a) {
      nbp_module *m = nbp_moduleAt(a);
      nbp_symbol *symbol = m ? nbp_symbolAt(m, a) : NULL;
      if (!symbol && m && !m->unknown) m->unknown = nbp_intern(m, "[unknown]");
      if (!symbol) return m ? m->unknown : nbp_intern(NULL, "[unknown]");
      if (!symbol->id) symbol->id = nbp_intern(m, symbol->name);
      return symbol->id;
    }

    """#

  static let answering = #"""
    static int nbp_byFrames(const void *a, const void *b) {
      const uintptr_t *x = *(uintptr_t *const *)a, *y = *(uintptr_t *const *)b;
      for (uintptr_t i = 0;; i++) {
        if (i == x[0] || i == y[0]) return x[0] < y[0] ? -1 : x[0] > y[0];
        if (x[1 + i] != y[1 + i]) return x[1 + i] < y[1 + i] ? -1 : 1;
      }
    }

    // One line for each distinct stack, outermost function first: `stack COUNT main;subject;inner`.
    static void nbp_writeStacks(int fd) {
      uintptr_t **stacks = calloc((size_t)nbp.samples + 1, sizeof *stacks);
      if (!stacks) return;
      long count = 0;
      for (long at = 0; at < nbp.used && count < nbp.samples;) {
        // In place, the innermost first. Neighbours without a name are one: how many there are says nothing.
        uintptr_t *record = nbp.log + at, n = record[0], kept = 0;
        for (uintptr_t i = 1; i <= n; i++) {
          uintptr_t name = (uintptr_t)nbp_nameOf(record[i]);
          nbp_module *m = nbp_moduleAt(record[i]);
          if (kept && record[kept] == name && (!m || m->unknown == (long)name)) continue;
          record[++kept] = name;
        }
        record[0] = kept;
        stacks[count++] = record;
        at += (long)n + 1;
      }
      qsort(stacks, (size_t)count, sizeof *stacks, nbp_byFrames);
      static char line[(NB_DEPTH + 2) * (NB_NAME_BYTES + 1) + 64];
      for (long i = 0; i < count;) {
        long j = i + 1;
        while (j < count && !nbp_byFrames(&stacks[i], &stacks[j])) j++;
        int k = snprintf(line, sizeof line, "stack %ld ", j - i);
        if (stacks[i][0] == NB_DEPTH) k += snprintf(line + k, sizeof line - (size_t)k, "[truncated];");
        for (uintptr_t f = stacks[i][0]; f > 0; f--)
          k += snprintf(line + k, sizeof line - (size_t)k, "%s%c", nbp_names[stacks[i][f] - 1], f > 1 ? ';' : '\n');
        nbp_say(fd, line, (size_t)k);
        i = j;
      }
      free(stacks);
    }

    static void nbp_stop(int fd) {
      if (!nbp.running) {
        nbp_tell(fd, "error: the profiler is not running\n");
        return;
      }
      nbp.running = 0;
      timer_delete(nbp.timer);
      signal(SIGPROF, SIG_IGN);
      int64_t cpu = nbp_clock(CLOCK_PROCESS_CPUTIME_ID) - nbp.cpu;
      int64_t thread = nbp_clock(CLOCK_THREAD_CPUTIME_ID) - nbp.threadCPU, wall = nbp_clock(CLOCK_MONOTONIC) - nbp.wall;
      char head[256];
      snprintf(
        head, sizeof head,
        "profile samples=%ld dropped=%ld idle=%ld hz=%d cpu_ns=%lld thread_cpu_ns=%lld wall_ns=%lld\n",
        nbp.samples, nbp.dropped, nbp.idle, nbp.hz, (long long)cpu, (long long)thread, (long long)wall);
      nbp_tell(fd, head);
      nbp_writeStacks(fd);
      nbp_tell(fd, "profile end\n");
    }

    // Answers `profile start HZ` and `profile stop` on fd; 0 when the line is another request. Start and stop come from
    // the thread that runs the subject.
    int nb_profile_line(const char *line, int fd) {
      if (strncmp(line, "profile ", 8)) return 0;
      if (!strncmp(line + 8, "stop", 4)) {
        nbp_stop(fd);
        return 1;
      }
      const char *refused = "write `profile start HZ` or `profile stop`";
      if (!strncmp(line + 8, "start", 5)) refused = nbp_start(atoi(line + 13));
      if (refused) {
        char text[256];
        snprintf(text, sizeof text, "error: %s\n", refused);
        nbp_tell(fd, text);
      } else {
        nbp_tell(fd, "profile started\n");
      }
      return 1;
    }

    """#
}
