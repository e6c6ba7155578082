// SPDX-License-Identifier: MIT
// Tells ThreadSanitizer what it cannot see of io_uring: what was done before bytes were sent
// happens before what is done after they were received. Of calls such as send() it knows that by
// itself.
#pragma once

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WALKIE_UNDER_TSAN
#include <sanitizer/tsan_interface.h>
#endif
#endif

namespace walkie::io {

#ifdef WALKIE_UNDER_TSAN
inline char kernel_order;
inline void order_before_send() noexcept { __tsan_release(&kernel_order); }
inline void order_after_receive() noexcept { __tsan_acquire(&kernel_order); }
#else
inline void order_before_send() noexcept {}
inline void order_after_receive() noexcept {}
#endif

}  // namespace walkie::io
