# The front door; CMake does the work.  `make help` lists the rooms.
BUILD ?= build
JOBS ?= $(shell nproc)

all:
	cmake -S . -B $(BUILD) -DCMAKE_EXPORT_COMPILE_COMMANDS=ON >/dev/null
	cmake --build $(BUILD) -j$(JOBS)

.PHONY: all
