// What the fuzz targets ask of AddressSanitizer unless ASAN_OPTIONS says otherwise. Without it the
// function is never called.
//
// Arrow's binaries are not instrumented, so containers that cross into them cannot be followed.
// They have no frame pointers either: every allocation in them has a new stack, and keeping more
// than two frames of each takes gigabytes over a million runs. Set malloc_context_size=30 to look
// at a report. Looking for the use of a stack after return takes a quarter of the time of targets
// whose libraries throw; clang does it unless told not to.
extern "C" const char* __asan_default_options() {  // NOLINT(bugprone-reserved-identifier)
  return "detect_container_overflow=0:malloc_context_size=2:quarantine_size_mb=64:"
         "detect_stack_use_after_return=0";
}
