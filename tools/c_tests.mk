# Builds and runs the C tests: the media core as a library, one program per tests/media/c/test_*.c.
# usage: make -f tools/c_tests.mk [SANITIZE=address,undefined|thread] [TESTS="test_jbuf ..."]

CORE := server/media/core
OUT := build/c-tests$(if $(SANITIZE),-$(firstword $(subst $(comma), ,$(SANITIZE))))
comma := ,

ifeq ($(SANITIZE),)
CC := gcc
else
CC := clang
SANITIZE_FLAGS := -fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all
export ASAN_OPTIONS := detect_leaks=1:abort_on_error=0
export UBSAN_OPTIONS := print_stacktrace=1
export TSAN_OPTIONS := halt_on_error=1
endif
CFLAGS := -std=c11 -O2 -g -D_GNU_SOURCE -Wall -Wextra -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wvla -Werror -fvisibility=hidden -I$(CORE) -Itests/media/c -pthread \
	-MMD -MP $(SANITIZE_FLAGS)
LDLIBS := -lspeexdsp -lgsm -lm -pthread

TESTS ?= $(basename $(notdir $(wildcard tests/media/c/test_*.c)))
PROGRAMS := $(TESTS:%=$(OUT)/%)
OBJECTS := $(patsubst $(CORE)/%.c,$(OUT)/core/%.o,$(wildcard $(CORE)/*.c))

run: $(PROGRAMS)
	@failed=0; passed=0; \
	for program in $(PROGRAMS); do \
		if timeout 300 $$program; then passed=$$((passed + 1)); \
		else echo "FAILED: $$program"; failed=$$((failed + 1)); fi; \
	done; \
	echo "C tests$(if $(SANITIZE), ($(SANITIZE))): $$passed programs passed, $$failed failed"; \
	test $$failed -eq 0

$(OUT)/libmp.a: $(OBJECTS)
	@rm -f $@
	@ar rcs $@ $(OBJECTS)

$(OUT)/core/%.o: $(CORE)/%.c
	@mkdir -p $(@D)
	@echo "  CC $<"
	@$(CC) $(CFLAGS) -c -o $@ $<

$(OUT)/%: tests/media/c/%.c $(OUT)/libmp.a
	@echo "  CC $<"
	@$(CC) $(CFLAGS) -o $@ $< $(OUT)/libmp.a $(LDLIBS)

-include $(OBJECTS:.o=.d) $(PROGRAMS:=.d)
.PHONY: run
