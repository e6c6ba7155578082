// SPDX-License-Identifier: MIT
// Coroutines on a client's loop: a lazy task, and the two ways to start one.
#pragma once

#include <chrono>
#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <variant>

#include <walkie/client.hpp>

namespace walkie {

template <class T = void>
class Task;

namespace detail {

/// Where a task stands towards whoever awaits it.
enum class TaskStage : unsigned char { created, starting, suspended, done };

/// What the promises of all tasks share. All of a task runs on one loop's thread.
class TaskPromiseBase {
 public:
  [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }

  /// Resumes whoever awaits, unless it is still starting us: then it goes on by itself, so that a
  /// loop over tasks that never wait needs no stack.
  struct FinalAwaiter {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> self) const noexcept {
      TaskPromiseBase& promise = self.promise();
      const bool resumes = promise.stage_ == TaskStage::suspended;
      promise.stage_ = TaskStage::done;
      if (resumes) promise.continuation_.resume();  // may destroy this task
    }
    void await_resume() const noexcept {}
  };
  [[nodiscard]] FinalAwaiter final_suspend() const noexcept { return {}; }

  /// Runs the task until it first waits. True where it is done already.
  [[nodiscard]] bool start(std::coroutine_handle<> self, std::coroutine_handle<> continuation) {
    continuation_ = continuation;
    stage_ = TaskStage::starting;
    self.resume();
    if (stage_ == TaskStage::done) return true;
    stage_ = TaskStage::suspended;
    return false;
  }

 private:
  std::coroutine_handle<> continuation_ = std::noop_coroutine();
  TaskStage stage_ = TaskStage::created;
};

template <class T>
class TaskPromise : public TaskPromiseBase {
 public:
  [[nodiscard]] Task<T> get_return_object() noexcept;
  void unhandled_exception() noexcept { outcome_.template emplace<2>(std::current_exception()); }
  template <class U>
  void return_value(U&& value) {
    outcome_.template emplace<1>(std::forward<U>(value));
  }
  [[nodiscard]] T take() {
    if (auto* error = std::get_if<2>(&outcome_)) std::rethrow_exception(*error);
    return std::move(std::get<1>(outcome_));
  }

 private:
  std::variant<std::monostate, T, std::exception_ptr> outcome_;
};

template <>
class TaskPromise<void> : public TaskPromiseBase {
 public:
  [[nodiscard]] Task<void> get_return_object() noexcept;
  void unhandled_exception() noexcept { error_ = std::current_exception(); }
  void return_void() const noexcept {}
  void take() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::exception_ptr error_;
};

}  // namespace detail

/// A coroutine that starts when it is awaited and is destroyed with this object. What it throws,
/// the awaiter gets. Runs on its loop's thread alone.
///
/// With g++ 12, which miscompiles some temporaries inside co_await expressions, give coroutines
/// views, numbers, references and named locals as arguments, no temporary that owns something.
template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::TaskPromise<T>;

  explicit Task(std::coroutine_handle<promise_type> coroutine) noexcept : coroutine_(coroutine) {}
  Task(Task&& other) noexcept : coroutine_(std::exchange(other.coroutine_, {})) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(coroutine_, other.coroutine_);
    return *this;
  }
  ~Task() {
    if (coroutine_) coroutine_.destroy();
  }

  class Awaiter {
   public:
    explicit Awaiter(std::coroutine_handle<promise_type> task) noexcept : task_(task) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    [[nodiscard]] bool await_suspend(std::coroutine_handle<> continuation) const {
      return !task_.promise().start(task_, continuation);
    }
    T await_resume() const { return task_.promise().take(); }

   private:
    std::coroutine_handle<promise_type> task_;
  };
  /// Once.
  [[nodiscard]] Awaiter operator co_await() const noexcept { return Awaiter(coroutine_); }

 private:
  std::coroutine_handle<promise_type> coroutine_;
};

template <class T>
Task<T> detail::TaskPromise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}

inline Task<void> detail::TaskPromise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}

namespace detail {

/// Runs by itself and is destroyed at its end, or with its loop. An exception that leaves it ends
/// the program.
struct Detached {
  class promise_type {
   public:
    template <class... Rest>
    explicit promise_type(ClientLoop& loop, const Rest&...) : frames_(loop.frames_) {
      frames_.insert(address());
    }
    promise_type(const promise_type&) = delete;
    promise_type& operator=(const promise_type&) = delete;
    ~promise_type() { frames_.erase(address()); }
    [[nodiscard]] Detached get_return_object() const noexcept { return {}; }
    [[nodiscard]] std::suspend_never initial_suspend() const noexcept { return {}; }
    [[nodiscard]] std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }

   private:
    [[nodiscard]] void* address() noexcept {
      return std::coroutine_handle<promise_type>::from_promise(*this).address();
    }
    std::set<void*>& frames_;
  };
};

/// Waits in the loop. A coroutine that is destroyed meanwhile is not resumed.
class Sleeping {
 public:
  Sleeping(ClientLoop& loop, std::chrono::milliseconds time) noexcept : loop_(loop), time_(time) {}
  Sleeping(const Sleeping&) = delete;
  Sleeping& operator=(const Sleeping&) = delete;
  ~Sleeping() {
    if (coroutine_) *coroutine_ = {};
  }
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> coroutine) {
    coroutine_ = std::make_shared<std::coroutine_handle<>>(coroutine);
    loop_.post_after(time_, [sleeper = coroutine_] {
      if (*sleeper) std::exchange(*sleeper, {}).resume();
    });
  }
  void await_resume() const noexcept {}

 private:
  ClientLoop& loop_;
  std::chrono::milliseconds time_;
  std::shared_ptr<std::coroutine_handle<>> coroutine_;
};

inline Detached run_detached(ClientLoop&, Task<void> task) { co_await task; }

template <class T>
Detached run_into(ClientLoop&, Task<T> task, std::optional<T>& result, std::exception_ptr& error,
                  bool& done) {
  try {
    result.emplace(co_await task);
  } catch (...) {
    error = std::current_exception();
  }
  done = true;
}

inline Detached run_until_done(ClientLoop&, Task<void> task, std::exception_ptr& error,
                               bool& done) {
  try {
    co_await task;
  } catch (...) {
    error = std::current_exception();
  }
  done = true;
}

inline void run_until(ClientLoop& loop, const bool& done) {
  while (!done) loop.run_once(std::chrono::seconds(60));
}

}  // namespace detail

/// co_await sleep(loop, 1s): goes on after that time, on the loop's thread.
[[nodiscard]] inline detail::Sleeping sleep(ClientLoop& loop, std::chrono::milliseconds time) {
  return {loop, time};
}

/// Starts `task` on the loop's thread and lets it run by itself; one that is not over when the loop
/// is destroyed is destroyed with it. An exception that leaves it ends the program. Any thread.
inline void spawn(ClientLoop& loop, Task<void> task) {
  loop.post(
      [&loop, task = std::move(task)]() mutable { detail::run_detached(loop, std::move(task)); });
}

/// Runs `loop` on this thread until `task` is done, and gives its result or throws what it threw;
/// for loops that nobody else runs. Not from inside the loop.
template <class T>
T block_on(ClientLoop& loop, Task<T> task) {
  std::optional<T> result;
  std::exception_ptr error;
  bool done = false;
  loop.post([&, task = std::move(task)]() mutable {
    detail::run_into(loop, std::move(task), result, error, done);
  });
  detail::run_until(loop, done);
  if (error) std::rethrow_exception(error);
  return *std::move(result);
}

inline void block_on(ClientLoop& loop, Task<void> task) {
  std::exception_ptr error;
  bool done = false;
  loop.post([&, task = std::move(task)]() mutable {
    detail::run_until_done(loop, std::move(task), error, done);
  });
  detail::run_until(loop, done);
  if (error) std::rethrow_exception(error);
}

}  // namespace walkie
