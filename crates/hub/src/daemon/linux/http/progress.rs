//! A connection that ends where its client takes nothing for a while: else 512 of them that read nothing would keep everybody
//! out for as long as they like.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How long a client may take nothing of what is there for it.
pub(super) const TAKES_WITHIN: Duration = Duration::from_secs(60);

/// A stream whose writing fails with `TimedOut` where nothing is taken.
pub(super) struct Progress<S> {
    stream: S,
    /// Runs while something waits to be taken.
    late: Option<Pin<Box<Sleep>>>,
}

impl<S> Progress<S> {
    pub(super) const fn new(stream: S) -> Self {
        Self { stream, late: None }
    }

    /// Passes on what became of writing, and measures how long nothing did.
    fn watched<T>(&mut self, cx: &mut Context<'_>, done: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if done.is_ready() {
            self.late = None;
            return done;
        }
        let late = self.late.get_or_insert_with(|| Box::pin(sleep(TAKES_WITHIN)));
        late.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Progress<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Progress<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watched(cx, done)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.watched(cx, done)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.stream).poll_flush(cx);
        self.watched(cx, done)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.watched(cx, done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_is_ended_and_who_takes_a_little_is_not() {
        let (mut reader, stream) = duplex(8);
        let mut stream = Progress::new(stream);
        let writes = tokio::spawn(async move { stream.write_all(&[7; 64]).await });
        for _ in 0..20 {
            sleep(TAKES_WITHIN / 2).await;
            assert_eq!(reader.read_u8().await.unwrap(), 7);
        }
        assert!(!writes.is_finished());
        sleep(TAKES_WITHIN + Duration::from_secs(1)).await;
        assert_eq!(writes.await.unwrap().unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
