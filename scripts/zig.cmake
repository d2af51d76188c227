# A CMake toolchain: zig (the package `ziglang`) as the C and C++ compiler for any platform it knows,
# named as zig names them, in the variable or the environment:
#   cmake -DCMAKE_TOOLCHAIN_FILE=scripts/zig.cmake -DBERTIE_ZIG_TARGET=x86_64-linux-gnu.2.28
# BERTIE_ZIG names zig's program, or that of the Python whose package it is; otherwise `python3`'s.
foreach(setting BERTIE_ZIG BERTIE_ZIG_TARGET)
  if(NOT ${setting})
    set(${setting} "$ENV{${setting}}")
  endif()
endforeach()
if(NOT BERTIE_ZIG_TARGET MATCHES "^([a-z0-9_]+)-(linux|macos|windows)[-.a-z0-9]*$")
  message(FATAL_ERROR "BERTIE_ZIG_TARGET is '${BERTIE_ZIG_TARGET}', expected one of linux, macos "
                      "and windows, such as x86_64-linux-gnu.2.28 or aarch64-macos")
endif()
set(CMAKE_SYSTEM_PROCESSOR ${CMAKE_MATCH_1})
set(names linux Linux macos Darwin windows Windows)
list(FIND names ${CMAKE_MATCH_2} at)
math(EXPR at "${at} + 1")
list(GET names ${at} CMAKE_SYSTEM_NAME)

if(NOT BERTIE_ZIG)
  set(BERTIE_ZIG python3)
endif()
if(BERTIE_ZIG MATCHES "python[0-9.]*$")
  execute_process(
    COMMAND "${BERTIE_ZIG}" -c "import pathlib, ziglang; print(pathlib.Path(ziglang.__file__).with_name('zig'))"
    OUTPUT_STRIP_TRAILING_WHITESPACE OUTPUT_VARIABLE BERTIE_ZIG COMMAND_ERROR_IS_FATAL ANY)
endif()
set(BERTIE_ZIG "${BERTIE_ZIG}" CACHE FILEPATH "zig's program" FORCE)
set(BERTIE_ZIG_TARGET "${BERTIE_ZIG_TARGET}" CACHE STRING "The platform, as zig names it" FORCE)
# CMake reads this file again for each program that it tries to compile.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES BERTIE_ZIG BERTIE_ZIG_TARGET)

# All of zig's tools are one program. CMake takes arguments after a compiler's name, not after these.
set(CMAKE_C_COMPILER "${BERTIE_ZIG}" cc -target ${BERTIE_ZIG_TARGET})
set(CMAKE_CXX_COMPILER "${BERTIE_ZIG}" c++ -target ${BERTIE_ZIG_TARGET})
foreach(tool ar ranlib)
  string(TOUPPER ${tool} variable)
  set(CMAKE_${variable} "${CMAKE_BINARY_DIR}/zig-${tool}")
  file(WRITE "${CMAKE_${variable}}" "#!/bin/sh\nexec '${BERTIE_ZIG}' ${tool} \"$@\"\n")
  file(CHMOD "${CMAKE_${variable}}" PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
endforeach()
