// SPDX-License-Identifier: MIT
// The whole test program's operator new, with a count per thread.
#include <support/heap_calls.hpp>

#include <cstdlib>
#include <new>

namespace {

thread_local std::size_t calls = 0;

void* counted(std::size_t bytes) {
  ++calls;
  if (void* at = std::malloc(bytes == 0 ? 1 : bytes)) return at;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t bytes) { return counted(bytes); }
void* operator new[](std::size_t bytes) { return counted(bytes); }
void operator delete(void* at) noexcept { std::free(at); }
void operator delete[](void* at) noexcept { std::free(at); }
void operator delete(void* at, std::size_t) noexcept { std::free(at); }
void operator delete[](void* at, std::size_t) noexcept { std::free(at); }

std::size_t walkie::test::heap_calls() noexcept { return calls; }
