// SPDX-License-Identifier: MIT
// The whole test program's operator new, with a count per thread. ThreadSanitizer has one of its
// own that cannot be replaced: there its hook counts.
#include <support/heap_calls.hpp>

#include <cstdlib>
#include <new>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WALKIE_COUNTS_BY_HOOK
#include <sanitizer/allocator_interface.h>
#endif
#endif

namespace {
thread_local std::size_t calls = 0;
}  // namespace

#ifdef WALKIE_COUNTS_BY_HOOK

namespace {

void on_malloc(const volatile void*, std::size_t) { ++calls; }
void on_free(const volatile void*) {}

[[maybe_unused]] const int installed =
    __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);

}  // namespace

#else

namespace {

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

#endif

std::size_t walkie::test::heap_calls() noexcept { return calls; }
