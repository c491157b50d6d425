//! Windows of time, newest first: what is asked for is usually recent, and each window reads only its own rows.

/// Nanoseconds since 1970, as `Timestamp` holds them.
pub type Nanos = i64;

const SECOND: Nanos = 1_000_000_000;
const MINUTE: Nanos = 60 * SECOND;
const HOUR: Nanos = 60 * MINUTE;
const DAY: Nanos = 24 * HOUR;

/// A half-open stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its start, included.
    pub from: Nanos,
    /// Its end, excluded.
    pub until: Nanos,
}

impl Window {
    /// From `from` to a day past `now`: clocks that are ahead are not left out.
    #[must_use]
    pub const fn since(from: Nanos, now: Nanos) -> Self {
        Self { from, until: now.saturating_add(DAY) }
    }

    /// Everything up to a day past `now`.
    #[must_use]
    pub const fn all(now: Nanos) -> Self {
        Self::since(0, now)
    }

    /// Whether a moment lies in it.
    #[must_use]
    pub const fn holds(self, moment: Nanos) -> bool {
        self.from <= moment && moment < self.until
    }

    /// This window cut into 15 minutes, 6 hours, a day, three days and the rest before `now`, newest first.
    pub fn newest_first(self, now: Nanos) -> impl Iterator<Item = Self> {
        let edges =
            [15 * MINUTE, 6 * HOUR, DAY, 3 * DAY].map(|age| now.saturating_sub(age).clamp(self.from, self.until));
        let ends = [self.until, edges[0], edges[1], edges[2], edges[3]];
        let starts = [edges[0], edges[1], edges[2], edges[3], self.from];
        starts
            .into_iter()
            .zip(ends)
            .map(|(from, until)| Self { from, until })
            .filter(|window| window.from < window.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Nanos = 100 * DAY;

    #[test]
    fn windows_touch_and_cover_everything() {
        let all = Window::all(NOW);
        let windows: Vec<Window> = all.newest_first(NOW).collect();
        assert_eq!(windows.len(), 5);
        assert_eq!(windows[0], Window { from: NOW - 15 * MINUTE, until: NOW + DAY });
        assert!(windows.windows(2).all(|pair| pair[0].from == pair[1].until), "{windows:?}");
        assert_eq!(windows[4].from, 0);
    }

    #[test]
    fn a_short_window_is_not_cut() {
        let short = Window::since(NOW - 10 * MINUTE, NOW);
        assert_eq!(short.newest_first(NOW).collect::<Vec<_>>(), [short]);
    }

    #[test]
    fn a_window_in_the_past_starts_at_its_own_end() {
        let past = Window { from: NOW - 2 * DAY, until: NOW - 8 * HOUR };
        let windows: Vec<Window> = past.newest_first(NOW).collect();
        assert_eq!(
            windows,
            [Window { from: NOW - DAY, until: NOW - 8 * HOUR }, Window { from: NOW - 2 * DAY, until: NOW - DAY },]
        );
    }
}
