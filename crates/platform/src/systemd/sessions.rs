//! Who is logged in, as logind knows it.

use super::client::UnitClient;
use super::error::SystemdError;
use zbus::{Connection, OwnedObjectPath, OwnedVariant};

const LOGIND: &str = "org.freedesktop.login1";
/// More are not looked at; each costs two calls.
const MAX_SESSIONS: usize = 256;

/// One session of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedIn {
    /// The user's name.
    pub user: String,
    /// Microseconds since 1970.
    pub since: u64,
}

impl UnitClient {
    /// Everybody who is logged in, once for each session; none where there is no logind.
    ///
    /// # Errors
    /// What logind or the bus said instead.
    pub async fn logged_in(&self) -> Result<Vec<LoggedIn>, SystemdError> {
        let connection = self.address().connect().await?;
        let failed = |error: zbus::Error| SystemdError::of_call(LOGIND, &error);
        let manager = "org.freedesktop.login1.Manager";
        let path = "/org/freedesktop/login1";
        let told = connection.call_method(Some(LOGIND), path, Some(manager), "ListSessions", &()).await;
        let told = told.map_err(failed)?;
        let sessions: Vec<(String, u32, String, String, OwnedObjectPath)> =
            told.body().deserialize().map_err(failed)?;
        let mut all = Vec::new();
        for (_, _, user, _, session) in sessions.into_iter().take(MAX_SESSIONS) {
            // A session that ended meanwhile is none.
            if let Ok(Some(since)) = begun(&connection, session.as_str()).await {
                all.push(LoggedIn { user, since });
            }
        }
        Ok(all)
    }
}

/// Since when a person uses this session; `None`: it is not a person's.
async fn begun(connection: &Connection, session: &str) -> Result<Option<u64>, zbus::Error> {
    let class: String = property(connection, session, "Class").await?;
    if !class.starts_with("user") {
        return Ok(None);
    }
    property(connection, session, "Timestamp").await.map(Some)
}

async fn property<T: TryFrom<OwnedVariant>>(
    connection: &Connection,
    session: &str,
    name: &str,
) -> Result<T, zbus::Error> {
    let arguments = ("org.freedesktop.login1.Session", name);
    let properties = Some("org.freedesktop.DBus.Properties");
    let told = connection.call_method(Some(LOGIND), session, properties, "Get", &arguments).await?;
    let value: OwnedVariant = told.body().deserialize()?;
    T::try_from(value).map_err(|_| zbus::Error::InvalidReply)
}
