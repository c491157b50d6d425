//! The one loop: takes events, asks the lifecycle, carries out its effects.
