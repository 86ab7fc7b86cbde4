// The thread sanitizer sees the quick half of Synchronization.Mutex, which is compiled into its users, and not the slow half, which
// lies in the standard library: a lock that somebody waited for looks like none. The linker's --wrap puts these in between.
#include <stdbool.h>
#include <stdint.h>
#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context))
void __tsan_acquire(void *);
void __tsan_release(void *);

#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define TRY "$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

SWIFT void real_lock(uint32_t thread, void *SELF handle) __asm__("__real_" LOCK);
SWIFT void wrapped_lock(uint32_t thread, void *SELF handle) __asm__("__wrap_" LOCK);
SWIFT bool real_try(void *SELF handle) __asm__("__real_" TRY);
SWIFT bool wrapped_try(void *SELF handle) __asm__("__wrap_" TRY);
SWIFT void real_unlock(void *SELF handle) __asm__("__real_" UNLOCK);
SWIFT void wrapped_unlock(void *SELF handle) __asm__("__wrap_" UNLOCK);

SWIFT void wrapped_lock(uint32_t thread, void *SELF handle) {
  real_lock(thread, handle);
  __tsan_acquire(handle);
}

SWIFT bool wrapped_try(void *SELF handle) {
  bool took = real_try(handle);
  if (took) __tsan_acquire(handle);
  return took;
}

SWIFT void wrapped_unlock(void *SELF handle) {
  __tsan_release(handle);
  real_unlock(handle);
}
