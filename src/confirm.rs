//! Asks a command of the user whether a token may be used.

use std::collections::HashMap;
use std::io::IsTerminal as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use oauthctl_core::hook::{self, Decision};
use oauthctl_core::{Error, ErrorKind, Result};

/// Time limit for the command. A dialog that nobody answers must not block all others.
const PATIENCE: Duration = Duration::from_secs(300);

/// Number of refused questions after which a user's further questions are not shown for some time. Otherwise, a client
/// could open one dialog after another until one of them is accepted by mistake.
const MAX_REFUSALS: usize = 3;

/// How long a refusal counts.
const REFUSAL: Duration = Duration::from_secs(60);

/// A command that decides: a failure refuses.
pub struct Confirm {
    command: String,
    /// How long a consent lasts; for as long as the process without it.
    lasts: Option<Duration>,
    hidden: Vec<String>,
    patience: Duration,
    refusal: Duration,
    /// With a terminal, the command may ask there, which only the process group of the terminal can.
    has_own_group: bool,
    state: Mutex<State>,
    asking: tokio::sync::Mutex<()>,
}

/// What a question is about.
#[derive(Debug, Clone)]
pub struct Question {
    /// The user who asks. However many questions a user has, only one of them waits for its turn among those of others.
    pub asker: u32,
    /// What the consent is for.
    pub subject: String,
    /// Variables for the command.
    pub about: Vec<(&'static str, String)>,
}

#[derive(Default)]
struct State {
    subjects: HashMap<String, Subject>,
    /// How often consents were forgotten.
    forgotten: u64,
    /// A lock for each of those who asked.
    askers: HashMap<u32, Arc<tokio::sync::Mutex<()>>>,
    /// When their questions were refused, since the last consent.
    refusals: HashMap<u32, Vec<Instant>>,
}

/// What the user said about one subject.
#[derive(Default, Clone, Copy)]
struct Subject {
    consented: Option<Instant>,
    answers: u64,
}

/// Maximum number of subjects to remember.
const MAX_SUBJECTS: usize = 1_000;

impl Confirm {
    /// Creates it. The command line is for the shell; it does not inherit the hidden variables.
    pub fn new(command: &str, lasts: Option<Duration>, hidden: Vec<String>) -> Self {
        Self {
            command: command.to_owned(),
            lasts,
            hidden,
            patience: PATIENCE,
            refusal: REFUSAL,
            has_own_group: cfg!(unix) && !std::io::stderr().is_terminal(),
            state: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
        }
    }

    /// Returns whether the user consents to this subject, now or recently. However many requests with the same subject
    /// wait, the command runs once, and all of them get its answer, which counts even if this future is dropped.
    ///
    /// # Errors
    ///
    /// Returns an error if the command cannot be started, and `AccessDenied` if it exceeds its time limit.
    pub async fn ask(self: &Arc<Self>, question: Question) -> Result<bool> {
        let (before, _) = self.known(&question.subject);
        if self.is_valid(before) {
            return Ok(true);
        }
        let confirm = Arc::clone(self);
        let asked = tokio::spawn(async move { confirm.ask_in_turn(&question, before).await });
        asked.await.unwrap_or_else(|error| {
            Err(Error::internal(format!("cannot run the `--confirm` command: {error}")))
        })
    }

    async fn ask_in_turn(&self, question: &Question, before: Subject) -> Result<bool> {
        let turn = Arc::clone(self.state().askers.entry(question.asker).or_default());
        let _turn = turn.lock().await;
        let _asking = self.asking.lock().await;
        let (now, forgotten) = self.known(&question.subject);
        // Refused while this request waited.
        if self.is_valid(now) || now.answers != before.answers {
            return Ok(self.is_valid(now));
        }
        self.check_refusals(question.asker)?;
        let consents = self.run(&question.about).await;
        let mut state = self.state();
        let refusals = state.refusals.entry(question.asker).or_default();
        match &consents {
            Ok(true) => refusals.clear(),
            Ok(false) => refusals.push(Instant::now()),
            Err(error) if error.kind() == ErrorKind::AccessDenied => refusals.push(Instant::now()),
            Err(_) => {}
        }
        // An answer to a question from before consents were forgotten counts no more than they do.
        let consents = consents.map(|consents| consents && state.forgotten == forgotten);
        if state.subjects.len() >= MAX_SUBJECTS {
            state.subjects.clear();
        }
        let subject = state.subjects.entry(question.subject.clone()).or_default();
        subject.answers += 1;
        subject.consented = consents.as_ref().is_ok_and(|yes| *yes).then(Instant::now);
        consents
    }

    /// Checks that not too many questions of a user were refused recently.
    fn check_refusals(&self, asker: u32) -> Result<()> {
        let mut state = self.state();
        let refusals = state.refusals.entry(asker).or_default();
        refusals.retain(|at| at.elapsed() < self.refusal);
        if refusals.len() < MAX_REFUSALS {
            return Ok(());
        }
        let what =
            format!("the last {MAX_REFUSALS} requests were refused; no further requests are shown");
        let seconds = self.refusal.as_secs();
        Err(Error::new(ErrorKind::AccessDenied, what)
            .hint(format!("request it again after {seconds} seconds")))
    }

    /// Forgets all consents.
    pub fn forget(&self) {
        let mut state = self.state();
        state.forgotten += 1;
        state.subjects.values_mut().for_each(|subject| subject.consented = None);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self, subject: &str) -> (Subject, u64) {
        let state = self.state();
        (state.subjects.get(subject).copied().unwrap_or_default(), state.forgotten)
    }

    fn is_valid(&self, subject: Subject) -> bool {
        let lives = |at: Instant| self.lasts.is_none_or(|lasts| at.elapsed() < lasts);
        subject.consented.is_some_and(lives)
    }

    async fn run(&self, about: &[(&'static str, String)]) -> Result<bool> {
        let decision = Decision {
            command: &self.command,
            hidden: &self.hidden,
            about,
            limit: self.patience,
            has_own_group: self.has_own_group,
        };
        let decided = hook::decide(decision).await;
        decided.map_err(|error| error.context("cannot run the `--confirm` command"))?.ok_or_else(
            || {
                let limit = self.patience.as_secs() / 60;
                let what = format!("the user did not answer within {limit} minutes");
                Error::new(ErrorKind::AccessDenied, what)
            },
        )
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn question(asker: u32, subject: &str) -> Question {
        Question {
            asker,
            subject: subject.to_owned(),
            about: vec![("SUBJECT", subject.to_owned())],
        }
    }

    fn confirm(command: &str, patience: Duration) -> Arc<Confirm> {
        let confirm = Confirm::new(command, None, Vec::new());
        Arc::new(Confirm { patience, has_own_group: true, ..confirm })
    }

    #[tokio::test]
    async fn dialog_that_nobody_answers_is_closed_and_refused() {
        let directory = tempfile::tempdir().unwrap();
        let pid = directory.path().join("pid");
        // The dialog is a child of a child of the shell.
        let command = format!("sh -c 'sleep 1000 & echo $! > \"{}\"; wait'; echo", pid.display());
        // At a terminal, it is in the process group of this process.
        for has_own_group in [true, false] {
            let mut confirm =
                Arc::into_inner(confirm(&command, Duration::from_millis(500))).unwrap();
            confirm.has_own_group = has_own_group;
            let refused = Arc::new(confirm).ask(question(1, "a")).await.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::AccessDenied);
            let pid = std::fs::read_to_string(&pid).unwrap();
            let has_ended = || {
                let state = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
                state.map_or(true, |state| state.contains(") Z "))
            };
            // The signal has been sent, but the process may not have received it yet.
            let deadline = Instant::now() + Duration::from_secs(30);
            while !has_ended() {
                assert!(Instant::now() < deadline, "it still runs: {has_own_group}");
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }

    #[tokio::test]
    async fn answer_counts_for_a_client_that_is_gone() {
        let directory = tempfile::tempdir().unwrap();
        let (asked, go) = (directory.path().join("asked"), directory.path().join("go"));
        let command = format!(
            "echo x >> '{}'; while [ ! -e '{}' ]; do sleep 0.02; done",
            asked.display(),
            go.display()
        );
        let confirm = confirm(&command, PATIENCE);
        let gone = tokio::time::timeout(Duration::from_millis(200), confirm.ask(question(1, "a")));
        assert!(gone.await.is_err());
        std::fs::write(go, "").unwrap();
        assert!(confirm.ask(question(1, "a")).await.unwrap());
        assert_eq!(
            std::fs::read_to_string(asked).unwrap(),
            "x
"
        );
    }

    /// The user refuses everything; another asker is not affected.
    #[tokio::test]
    async fn refused_asker_opens_no_more_dialogs() {
        let directory = tempfile::tempdir().unwrap();
        let asked = directory.path().join("asked");
        let command = format!("echo $SUBJECT >> '{}'; [ $SUBJECT = yes ]", asked.display());
        let confirm = confirm(&command, PATIENCE);
        for number in 0..10 {
            let answer = confirm.ask(question(1, &format!("no-{number}"))).await;
            assert_eq!(answer.is_err(), number >= MAX_REFUSALS, "{answer:?}");
        }
        assert!(confirm.ask(question(2, "yes")).await.unwrap());
        assert_eq!(std::fs::read_to_string(&asked).unwrap(), "no-0\nno-1\nno-2\nyes\n");
    }

    #[tokio::test]
    async fn refusals_count_for_some_time_only() {
        let mut confirm = Arc::into_inner(confirm("false", PATIENCE)).unwrap();
        confirm.refusal = Duration::ZERO;
        let confirm = Arc::new(confirm);
        for number in 0..10 {
            assert!(!confirm.ask(question(1, &format!("no-{number}"))).await.unwrap());
        }
    }

    /// One user has many questions, and then another one has one.
    #[tokio::test]
    async fn questions_of_one_user_do_not_delay_others() {
        let directory = tempfile::tempdir().unwrap();
        let [order, go] = ["order", "go"].map(|name| directory.path().join(name));
        let (shown, until) = (order.display(), go.display());
        let command =
            format!("while [ ! -e '{until}' ]; do sleep 0.02; done; echo $SUBJECT >> '{shown}'");
        let confirm = confirm(&command, PATIENCE);
        let mut all = tokio::task::JoinSet::new();
        for asker in std::iter::repeat_n(1, 20).chain([2]) {
            let confirm = Arc::clone(&confirm);
            let subject = format!("{asker}-{}", all.len());
            all.spawn(async move { confirm.ask(question(asker, &subject)).await });
        }
        // By then, all but the first wait for their turn.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        std::fs::write(go, "").unwrap();
        all.join_all().await.into_iter().for_each(|consents| assert!(consents.unwrap()));
        let order = std::fs::read_to_string(order).unwrap();
        assert_eq!(order.lines().position(|line| line == "2-20"), Some(1), "{order}");
    }
}
