# SPDX-License-Identifier: ISC
#
#	make		build everything into build/
#	make demo	set up, build, and run the main job on a private server
#	make check	set up, build, and run every test
#	make check-asan	the same under AddressSanitizer and UBSan
#	make bench	measure against other tools; BENCH_COUNT, BENCH_ROUNDS
#	make lint	layering, warnings of the other compiler, man pages
#	make install	PREFIX=/usr/local DESTDIR=
#
#	V=1 shows the commands, TESTS="kill archive" picks tests by name.
#
# A module is a directory; each becomes one static library, and the list
# below names, for each, the modules that it may see.  A test links only
# the modules at or below its own.

CC	?= gcc
BUILD	?= build
PREFIX	?= /usr/local
DESTDIR	?=
TESTS	?=
V	?=
Q	= $(if $(V),,@)
JOBS	?= $(shell nproc 2>/dev/null || echo 2)

PKGS	= openssl libpcre2-8 libarchive lmdb libzstd jansson
DEBS	= libssl-dev libpcre2-dev libarchive-dev liblmdb-dev libzstd-dev \
	  libjansson-dev libcmocka-dev pkg-config gcc make

WARN	= -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion \
	  -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
	  -Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef -Wvla \
	  -Wformat=2 -Wnull-dereference -Wswitch-enum
HARDEN	= -fstack-protector-strong -fPIE -D_FORTIFY_SOURCE=2 \
	  -fstack-clash-protection
HARDLD	= -pie -Wl,-z,relro,-z,now,-z,noexecstack
OPT	?= -O2 -g
SAN	?=
CPPFLAGS += -D_POSIX_C_SOURCE=200809L -D_XOPEN_SOURCE=700 -I. -Ilibcore
CFLAGS	+= -std=c17 $(OPT) $(WARN) $(HARDEN) $(SAN) -pthread
LDFLAGS	+= $(HARDLD) $(SAN) -pthread
LDLIBS	= -lssl -lcrypto -lpcre2-8 -larchive -llmdb -lzstd -ljansson

# Modules, highest first: a library may use only those to its right.
MODULES	= formats/archive formats/stream formats/maildir \
	  libcore/imap libcore/net libcore/rules libcore/flow \
	  libcore/mail libcore/base
lib	= $(BUILD)/$(1).a
LIBS	= $(foreach m,$(MODULES),$(call lib,$(m)))

BELOW_libcore/base	= libcore/base
BELOW_libcore/mail	= libcore/mail libcore/base
BELOW_libcore/net	= libcore/net $(BELOW_libcore/mail)
BELOW_libcore/imap	= libcore/imap $(BELOW_libcore/net)
BELOW_libcore/rules	= libcore/rules $(BELOW_libcore/mail)
BELOW_libcore/flow	= libcore/flow $(BELOW_libcore/mail)
BELOW_formats/maildir	= formats/maildir $(BELOW_libcore/mail)
BELOW_formats/stream	= formats/stream $(BELOW_libcore/mail)
BELOW_formats/archive	= formats/archive $(BELOW_formats/stream)

COMMANDS = mx-dump mx-load mx-transform mx-diff mx-ls mx-cat mx-check
BINS	= $(COMMANDS:%=$(BUILD)/bin/%)
TOOLSRC	= $(filter-out $(COMMANDS:%=tools/%.c),$(wildcard tools/*.c))
TOOLOBJ	= $(TOOLSRC:%.c=$(BUILD)/%.o)
UNITS	= $(wildcard tests/unit/*/t-*.c)
UNITBIN	= $(UNITS:tests/unit/%.c=$(BUILD)/tests/unit/%)

all: $(BINS)

define module_rules
$(BUILD)/$(1).a: $(patsubst %.c,$(BUILD)/%.o,$(wildcard $(1)/*.c))
	@rm -f $$@
	@$(if $$^,$(AR) rcs $$@ $$^,$(AR) rcs $$@)
endef
$(foreach m,$(MODULES),$(eval $(call module_rules,$(m))))

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	@$(if $(V),,echo "CC $<")
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(BINS): $(BUILD)/bin/%: $(BUILD)/tools/%.o $(TOOLOBJ) $(LIBS)
	@mkdir -p $(@D)
	@$(if $(V),,echo "LD $@")
	$(Q)$(CC) $(LDFLAGS) -o $@ $(BUILD)/tools/$*.o $(TOOLOBJ) $(LIBS) $(LDLIBS)

# tests/unit/base/t-err.c links libcore/base.a and what is below it.
unit_module = $(firstword $(wildcard libcore/$(1)) $(wildcard formats/$(1)) tools)
define unit_rules
$(BUILD)/tests/unit/$(1): $(BUILD)/tests/unit/$(1).o \
    $(foreach m,$(BELOW_$(call unit_module,$(firstword $(subst /, ,$(1))))),$(call lib,$(m)))
	@mkdir -p $$(@D)
	@$(if $(V),,echo "LD $$@")
	$(Q)$$(CC) $$(LDFLAGS) -o $$@ $$^ -lcmocka $$(LDLIBS)
endef
$(foreach u,$(UNITS:tests/unit/%.c=%),$(eval $(call unit_rules,$(u))))

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

deps:
	@tests/servers/deps-build $(PKGS) -- $(DEBS)

check: deps
	@tests/servers/deps
	@$(MAKE) --no-print-directory -j$(JOBS) all units
	@BUILD=$(BUILD) tests/run $(TESTS)

units: $(UNITBIN)

check-asan:
	@$(MAKE) --no-print-directory check BUILD=$(BUILD)/asan \
	    SAN="-fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=all" \
	    HARDEN="-fPIE" OPT="-O1 -g"

demo: deps
	@tests/servers/deps
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@BUILD=$(BUILD) tests/demo

bench: deps
	@tests/servers/deps
	@$(MAKE) --no-print-directory all $(BUILD)/tests/bench/raw
	@BUILD=$(BUILD) tests/bench/run

$(BUILD)/tests/bench/raw: $(BUILD)/tests/bench/raw.o
	$(CC) $(LDFLAGS) -o $@ $< -lssl -lcrypto

lint:
	@tests/lint

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1 \
	    $(DESTDIR)$(PREFIX)/share/man/man5 $(DESTDIR)$(PREFIX)/share/man/man7
	install -m 755 $(BINS) $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(wildcard tools/*.1) $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 $(wildcard tools/*.5) $(DESTDIR)$(PREFIX)/share/man/man5
	install -m 644 $(wildcard tools/*.7) $(DESTDIR)$(PREFIX)/share/man/man7

uninstall:
	rm -f $(COMMANDS:%=$(DESTDIR)$(PREFIX)/bin/%)
	rm -f $(patsubst tools/%,$(DESTDIR)$(PREFIX)/share/man/man1/%,$(wildcard tools/*.1))
	rm -f $(patsubst tools/%,$(DESTDIR)$(PREFIX)/share/man/man5/%,$(wildcard tools/*.5))
	rm -f $(patsubst tools/%,$(DESTDIR)$(PREFIX)/share/man/man7/%,$(wildcard tools/*.7))

clean:
	rm -rf $(BUILD)

.PHONY: all deps units check check-asan demo bench lint install uninstall clean
.SECONDARY:
