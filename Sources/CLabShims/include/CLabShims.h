// C of the lab's stages: arithmetic whose bits must not depend on a compiler's mood, and what Swift cannot import.

#pragma once
#include "Disk.h"
#include "Inference.h"
#include "Process.h"
