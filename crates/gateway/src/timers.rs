//! Timers that are kept from one request to the next, and futures that are left alone.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use tokio::time::{Instant, Sleep, sleep_until};

/// A timer that waits to be used again.
///
/// PERF: a later deadline is noted in a kept timer at the cost of one store; a new timer is
/// entered into tokio's wheel and taken out again, each under a lock. docs/performance.md, "What
/// was tried".
#[derive(Debug, Clone, Default)]
pub(crate) struct Spare(Arc<Mutex<Option<Pin<Box<Sleep>>>>>);

impl Spare {
    /// Ends at the deadline. Of several at one time, each but one is made anew.
    pub(crate) fn until(&self, deadline: Instant) -> Timer {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let sleep = match kept {
            Some(mut sleep) => {
                sleep.as_mut().reset(deadline);
                sleep
            }
            None => Box::pin(sleep_until(deadline)),
        };
        Timer {
            sleep: Some(sleep),
            spare: self.clone(),
        }
    }
}

/// A timer in use; it goes back when dropped.
#[derive(Debug)]
pub(crate) struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
    spare: Spare,
}

impl Timer {
    pub(crate) fn reset(&mut self, deadline: Instant) {
        if let Some(sleep) = &mut self.sleep {
            sleep.as_mut().reset(deadline);
        }
    }
}

impl Future for Timer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().poll(cx),
            None => Poll::Ready(()),
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        let mut spare = self.spare.0.lock().unwrap_or_else(PoisonError::into_inner);
        *spare = self.sleep.take();
    }
}

impl hyper::rt::Sleep for Timer {}

impl hyper::rt::Timer for Spare {
    fn sleep(&self, duration: std::time::Duration) -> Pin<Box<dyn hyper::rt::Sleep>> {
        Box::pin(self.until(Instant::now() + duration))
    }

    fn sleep_until(&self, deadline: std::time::Instant) -> Pin<Box<dyn hyper::rt::Sleep>> {
        Box::pin(self.until(deadline.into()))
    }
}

/// A future that is polled when it was woken itself, and not whenever its task was.
///
/// PERF: the end of a connection would otherwise be asked for at every step of every request.
pub(crate) struct Apart<F> {
    future: F,
    alarm: Option<Arc<Alarm>>,
}

struct Alarm {
    task: Waker,
    rang: AtomicBool,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.rang.store(true, Ordering::Release);
        self.task.wake_by_ref();
    }
}

impl<F> Apart<F> {
    pub(crate) fn new(future: F) -> Self {
        Self {
            future,
            alarm: None,
        }
    }
}

impl<F: Future + Unpin> Future for Apart<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        let alarm = match &this.alarm {
            Some(alarm) if alarm.task.will_wake(cx.waker()) => {
                if !alarm.rang.load(Ordering::Acquire) {
                    return Poll::Pending;
                }
                // Before the poll: what rings meanwhile is not lost.
                alarm.rang.store(false, Ordering::Relaxed);
                Arc::clone(alarm)
            }
            _ => Arc::new(Alarm {
                task: cx.waker().clone(),
                rang: AtomicBool::new(false),
            }),
        };
        this.alarm = Some(Arc::clone(&alarm));
        let waker = Waker::from(alarm);
        Pin::new(&mut this.future).poll(&mut Context::from_waker(&waker))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::Notify;
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn a_kept_timer_ends_at_its_last_deadline() {
        let spare = Spare::default();
        let now = Instant::now();
        drop(spare.until(now + Duration::from_secs(600)));
        spare.until(now + Duration::from_millis(10)).await;
        let mut later = spare.until(now + Duration::from_millis(20));
        later.reset(now + Duration::from_millis(40));
        let other = spare.until(now + Duration::from_millis(30));
        tokio::join!(later, other);
        assert!(now.elapsed() >= Duration::from_millis(40));
    }

    #[tokio::test]
    async fn a_future_apart_is_polled_when_it_is_woken_only() {
        let (notify, polls) = (Notify::new(), std::cell::Cell::new(0));
        let mut notified = std::pin::pin!(notify.notified());
        let counted = std::future::poll_fn(|cx| {
            polls.set(polls.get() + 1);
            notified.as_mut().poll(cx)
        });
        let mut apart = Apart::new(counted);
        for _ in 0..3 {
            // The timeout wakes the task; the future itself is not ready.
            let waited = timeout(Duration::from_millis(5), &mut apart).await;
            assert!(waited.is_err());
        }
        assert_eq!(polls.get(), 1);
        notify.notify_one();
        apart.await;
        assert_eq!(polls.get(), 2);
    }
}
