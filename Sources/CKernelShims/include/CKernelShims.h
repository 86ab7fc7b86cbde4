#pragma once
// The C that Swift cannot import from Glibc. Static inline wrappers only; every one says what it stands for.
