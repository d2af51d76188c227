#include <cfloat>  // which the header of doctest 2.4.9 uses and does not include

#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest.h>
